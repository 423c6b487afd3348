"""Filter of symbols that were never seen before."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from ingest.catalogue.plausibility.quarantine import UnlistedSymbols
from ingest.catalogue.plausibility.thresholds import Thresholds
from ingest.catalogue.register import SymbolRegister
from ingest.catalogue.symbol_record import SymbolState


class NewcomerFilter:
    def __init__(self, thresholds: Thresholds, register: SymbolRegister) -> None:
        self._thresholds = thresholds
        self._register = register
        self._unlisted = UnlistedSymbols(thresholds)

    def filter_tickers(self, symbols: AbstractSet[str], at: datetime) -> tuple[list[str], str]:
        """Return which of *symbols* to accept from a ticker or a trade, and why the others are rejected.

        Unlisted symbols are rejected where there are too many; a symbol that is gone returns through a list only.
        """
        unlisted = [symbol for symbol in symbols if symbol not in self._register]
        record = [
            symbol
            for symbol in symbols
            if symbol in self._register and self._register[symbol].state is not SymbolState.GONE
        ]
        rejection = (self._unlisted.rejection(len(unlisted), at) or self.overflow(unlisted)) if unlisted else ""
        if rejection:
            return sorted(record), rejection
        self._unlisted.add(unlisted, at)
        return sorted(unlisted + record), ""

    def overflow(self, symbols: Sequence[str]) -> str:
        """Return why no more symbols can be kept; empty where they can."""
        if symbols and len(self._register) + len(symbols) > self._thresholds.symbols_max:
            return f"overflow: more than {self._thresholds.symbols_max} symbols"
        return ""

    def listed(self, symbols: AbstractSet[str]) -> None:
        """Record that a list shows *symbols*."""
        self._unlisted.remove_listed(symbols)
