"""Which symbols never seen before to believe in."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from ingest.catalogue.quarantine import Strangers
from ingest.catalogue.register import Register
from ingest.catalogue.symbol_record import State
from ingest.catalogue.thresholds import Rules


class Admission:
    def __init__(self, rules: Rules, register: Register) -> None:
        self._rules = rules
        self._register = register
        self._strangers = Strangers(rules)

    def of_ticking(self, symbols: AbstractSet[str], at: datetime) -> tuple[list[str], str]:
        """Return which of *symbols* to believe in that a ticker shows, and why not in the others, if one should know.

        Too many that no list shows are not believed in, and a symbol that is gone returns by a list only.
        """
        strange = [symbol for symbol in symbols if symbol not in self._register]
        known = [symbol for symbol in symbols if symbol in self._register and not self._is_gone(symbol)]
        doubt = self._doubt(strange, at) if strange else ""
        if doubt:
            return sorted(known), doubt
        self._strangers.meet(strange, at)
        return sorted(strange + known), ""

    def overflow(self, symbols: Sequence[str]) -> str:
        """Return why there cannot be so many more symbols, or nothing."""
        if symbols and len(self._register) + len(symbols) > self._rules.symbols_max:
            return f"overflow: more than {self._rules.symbols_max} symbols"
        return ""

    def listed(self, symbols: AbstractSet[str]) -> None:
        """Take note that a list shows *symbols*."""
        self._strangers.accept(symbols)

    def _doubt(self, strange: Sequence[str], at: datetime) -> str:
        return self._strangers.doubt(len(strange), at) or self.overflow(strange)

    def _is_gone(self, symbol: str) -> bool:
        return self._register[symbol].state is State.GONE
