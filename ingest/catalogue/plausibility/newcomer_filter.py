"""Which symbols never seen before to believe in."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from ingest.catalogue.plausibility.quarantine import UnlistedSymbols
from ingest.catalogue.register import SymbolRegister
from ingest.catalogue.symbol_record import SymbolState
from ingest.catalogue.plausibility.thresholds import Thresholds


class NewcomerFilter:
    def __init__(self, thresholds: Thresholds, register: SymbolRegister) -> None:
        self._thresholds = thresholds
        self._register = register
        self._unlisted = UnlistedSymbols(thresholds)

    def filter_tickers(self, symbols: AbstractSet[str], at: datetime) -> tuple[list[str], str]:
        """Return which of *symbols* to believe in that a ticker shows, and why not in the others, if one should know.

        Too many that no list shows are not believed in, and a symbol that is gone returns by a list only.
        """
        unlisted = [symbol for symbol in symbols if symbol not in self._register]
        record = [symbol for symbol in symbols if symbol in self._register and not self._is_gone(symbol)]
        rejection = self._rejection(unlisted, at) if unlisted else ""
        if rejection:
            return sorted(record), rejection
        self._unlisted.add(unlisted, at)
        return sorted(unlisted + record), ""

    def overflow(self, symbols: Sequence[str]) -> str:
        """Return why there cannot be so many more symbols, or nothing."""
        if symbols and len(self._register) + len(symbols) > self._thresholds.symbols_max:
            return f"overflow: more than {self._thresholds.symbols_max} symbols"
        return ""

    def listed(self, symbols: AbstractSet[str]) -> None:
        """Take note that a list shows *symbols*."""
        self._unlisted.remove_listed(symbols)

    def _rejection(self, unlisted: Sequence[str], at: datetime) -> str:
        return self._unlisted.rejection(len(unlisted), at) or self.overflow(unlisted)

    def _is_gone(self, symbol: str) -> bool:
        return self._register[symbol].state is SymbolState.GONE
