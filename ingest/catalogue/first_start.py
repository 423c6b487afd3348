"""The first start of all: what was there before we looked is not new."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime

from ingest.catalogue.result import EMPTY_ANSWER, UNCHANGED, ObservationResult
from ingest.catalogue.symbol_record import SymbolRecord
from ingest.catalogue.thresholds import Thresholds
from ingest.catalogue.transitions import baseline_record
from ingest.cooperative import Steps, difference, for_each
from ingest.source_events import Snapshot, SymbolNames
from shared.events import Source


class BaselineCollector:
    """Collects all that is seen until one source gave both its names and a snapshot.

    Both, because a name which only one of the two shows would look new the first time the other is read; and because
    a snapshot that lacks many of the names is not whole.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._seen: dict[str, datetime] = {}
        self._names: dict[Source, frozenset[str]] = {}
        self._observe_announcement: dict[str, datetime] = {}
        self._held: AbstractSet[str] | None = None
        self.ticked_at: datetime | None = None
        """When the latest ticker frame came that is part of it."""

    def note(self, names: SymbolNames) -> Steps[ObservationResult]:
        """Take in what trades; nothing follows from it yet."""
        if names.complete and not names.symbols:
            return EMPTY_ANSWER
        if len(self._seen) + len(names.symbols) <= self._thresholds.symbols_max:
            yield from for_each(names.symbols, lambda symbol: self._seen.setdefault(symbol, names.observed_at))
        if names.complete:
            self._names[names.source] = frozenset(names.symbols)
        else:
            self.ticked_at = names.observed_at
        return UNCHANGED

    def announce(self, symbol: str, opens_at: datetime) -> ObservationResult:
        """Take in when a symbol opens, in case that is not told otherwise."""
        if len(self._observe_announcement) < self._thresholds.symbols_max:
            self._observe_announcement[symbol] = opens_at
        return UNCHANGED

    def names_of(self, source: Source) -> frozenset[str]:
        return self._names[source]

    def is_complete_with(self, snapshot: Snapshot) -> bool:
        return snapshot.source in self._names

    def rejection(self, source: Source, shown: AbstractSet[str]) -> Steps[str]:
        """Return why a snapshot of *shown* is not whole, or nothing; the second of two alike is taken as it is."""
        missing = len((yield from difference(self._names[source], shown)))
        if missing <= self._thresholds.swollen_max or shown == self._held:
            return ""
        self._held = shown
        return f"shrunken: {missing} of the tradable names missing"

    def described_by(self, snapshot: Snapshot) -> Iterator[SymbolRecord]:
        """Return what *snapshot* shows."""
        announced, at = self._observe_announcement.get, snapshot.observed_at
        return (baseline_record(info.symbol, at, announced(info.symbol), info) for info in snapshot.symbols)

    def missing_from(self, shown: AbstractSet[str]) -> Steps[Iterator[SymbolRecord]]:
        """Return what was there too, and is not among the *shown*."""
        unlisted = yield from difference(self._seen, shown)
        return (baseline_record(name, self._seen[name], self._observe_announcement.get(name)) for name in unlisted)
