"""Quarantine of answers and newcomers: those that lose or gain more symbols at once than an exchange does."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Final

from ingest.catalogue.plausibility.thresholds import Thresholds
from ingest.catalogue.publications import EMPTY_ANSWER
from ingest.catalogue.symbol_register import SymbolRegister, SymbolState
from ingest.stepwise import Steps, difference
from shared.events import Source

UNLISTED_FOR: Final = timedelta(hours=1)


class Quarantine:
    """Quarantine of one list of one source."""

    def __init__(self, thresholds: Thresholds, shown_before: AbstractSet[str] = frozenset()) -> None:
        self._thresholds = thresholds
        self._accepted = shown_before
        self._held: AbstractSet[str] | None = None

    def rejection(self, shown: AbstractSet[str], new_count: int) -> Steps[str]:
        """Return why *shown* is rejected as the whole list; empty where it is accepted.

        The second of two equal answers in a row is accepted, unless it is empty.
        """
        if not shown:
            self._held = None
            return EMPTY_ANSWER.reason
        lost = yield from difference(self._accepted, shown)
        reason = "" if shown == self._held else self._reason(len(lost), new_count)
        self._held = shown if reason else None
        if not reason:
            self._accepted = shown
        return reason

    def _reason(self, lost: int, new_count: int) -> str:
        before = len(self._accepted)
        if lost * 100 > before * self._thresholds.shrunken_percent:
            return f"shrunken: {lost} of {before} symbols missing"
        if new_count > self._thresholds.swollen_max:
            return f"swollen: {new_count} symbols new at once"
        return ""


class Quarantines:
    """Quarantine of each source, for one kind of list."""

    def __init__(self, thresholds: Thresholds, shown_before: Callable[[], AbstractSet[str]]) -> None:
        """*shown_before* returns the symbols that the first answer of a source is compared with."""
        self._thresholds = thresholds
        self._shown_before = shown_before
        self._of_source: dict[Source, Quarantine] = {}

    def start(self, source: Source, shown: AbstractSet[str]) -> None:
        """Accept *shown* as the first answer of *source*."""
        self._of_source[source] = Quarantine(self._thresholds, shown)

    def rejection(self, source: Source, shown: AbstractSet[str], new_count: int) -> Steps[str]:
        """Return why *shown* from *source* is rejected; empty where it is accepted."""
        if source not in self._of_source:
            self.start(source, dict.fromkeys(self._shown_before()).keys())
            yield
        return (yield from self._of_source[source].rejection(shown, new_count))


class NewcomerFilter:
    def __init__(self, thresholds: Thresholds, register: SymbolRegister) -> None:
        self._thresholds = thresholds
        self._register = register
        self._unlisted: dict[str, datetime] = {}
        """Symbols shown by tickers within the hour, and by no list."""

    def filter_tickers(self, symbols: AbstractSet[str], at: datetime) -> tuple[list[str], str]:
        """Return which of *symbols* to accept from a ticker or a trade, and why the others are rejected.

        Unlisted symbols are rejected where there are too many; a symbol that is gone returns through a list only.
        """
        unlisted = [symbol for symbol in symbols if symbol not in self._register.records]
        known = [
            symbol
            for symbol in symbols
            if symbol in self._register.records and self._register.records[symbol].state is not SymbolState.GONE
        ]
        rejection = (self._unlisted_rejection(len(unlisted), at) or self.overflow(unlisted)) if unlisted else ""
        if rejection:
            return sorted(known), rejection
        self._unlisted.update(dict.fromkeys(unlisted, at))
        return sorted(unlisted + known), ""

    def overflow(self, symbols: Sequence[str]) -> str:
        """Return why no more symbols can be kept; empty where they can."""
        if symbols and len(self._register.records) + len(symbols) > self._thresholds.symbols_max:
            return f"overflow: more than {self._thresholds.symbols_max} symbols"
        return ""

    def listed(self, symbols: AbstractSet[str]) -> None:
        """Record that a list shows *symbols*."""
        for symbol in [symbol for symbol in self._unlisted if symbol in symbols]:
            del self._unlisted[symbol]

    def _unlisted_rejection(self, new_count: int, at: datetime) -> str:
        """Return why *new_count* more symbols that no list shows are rejected; empty where they are accepted."""
        for symbol in [symbol for symbol, added_at in self._unlisted.items() if at - added_at > UNLISTED_FOR]:
            del self._unlisted[symbol]
        if len(self._unlisted) + new_count <= self._thresholds.swollen_max:
            return ""
        return f"swollen: {len(self._unlisted) + new_count} symbols that no list shows"
