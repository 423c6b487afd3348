"""Baseline of the very first start: symbols that existed before are not new."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime

from ingest.catalogue.plausibility.thresholds import Thresholds
from ingest.catalogue.publications import EMPTY_ANSWER, UNCHANGED, ObservationResult
from ingest.catalogue.symbol_register import SymbolRecord
from ingest.catalogue.transitions import baseline_record
from ingest.source import Snapshot, SymbolNames
from ingest.stepwise import Steps, difference, for_each
from shared.events import Source


class FirstFrame:
    """Ticker frame that still belongs to the baseline, for symbols that tick and are on no list."""

    def __init__(self, at: datetime | None = None, *, is_awaited: bool = False) -> None:
        self._at = at
        self._is_awaited = is_awaited

    def includes(self, at: datetime) -> bool:
        """Return whether *at* is the time of that frame, which may come in slices; the awaited one is the next."""
        if self._is_awaited:
            self._at, self._is_awaited = at, False
        return at == self._at


class BaselineCollector:
    """Collects symbols until one source has delivered both its names and a snapshot.

    Both, because a name shown by only one of them would look new when the other is read first; and because a snapshot
    that lacks many of the names is incomplete.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._seen: dict[str, datetime] = {}
        self._names: dict[Source, frozenset[str]] = {}
        self._announced: dict[str, datetime] = {}
        self._held: AbstractSet[str] | None = None
        self._ticked_at: datetime | None = None
        """Time of the latest ticker frame that is part of it."""

    def collect(self, names: SymbolNames) -> Steps[ObservationResult]:
        """Collect tradable names, without results yet."""
        if names.complete and not names.symbols:
            return EMPTY_ANSWER
        if len(self._seen) + len(names.symbols) <= self._thresholds.symbols_max:
            yield from for_each(names.symbols, lambda symbol: self._seen.setdefault(symbol, names.observed_at))
        if names.complete:
            self._names[names.source] = frozenset(names.symbols)
        else:
            self._ticked_at = names.observed_at
        return UNCHANGED

    def announce(self, symbol: str, opens_at: datetime) -> ObservationResult:
        """Collect an opening time, for symbols whose snapshot has none."""
        if len(self._announced) < self._thresholds.symbols_max:
            self._announced[symbol] = opens_at
        return UNCHANGED

    def names_of(self, source: Source) -> frozenset[str]:
        return self._names[source]

    def first_frame(self) -> FirstFrame:
        """Return the frame that is part of the baseline: the latest collected, or the next where none was."""
        return FirstFrame(self._ticked_at, is_awaited=self._ticked_at is None)

    def is_complete_with(self, snapshot: Snapshot) -> bool:
        return snapshot.source in self._names

    def rejection(self, source: Source, shown: AbstractSet[str]) -> Steps[str]:
        """Return why a snapshot of *shown* is incomplete; empty for the second of two equal ones."""
        missing = len((yield from difference(self._names[source], shown)))
        if missing <= self._thresholds.swollen_max or shown == self._held:
            return ""
        self._held = shown
        return f"shrunken: {missing} of the tradable names missing"

    def described_by(self, snapshot: Snapshot) -> Iterator[SymbolRecord]:
        """Return a record for each symbol of *snapshot*."""
        announced, at = self._announced.get, snapshot.observed_at
        return (baseline_record(info.symbol, at, announced(info.symbol), info) for info in snapshot.symbols)

    def missing_from(self, shown: AbstractSet[str]) -> Steps[Iterator[SymbolRecord]]:
        """Return a record for each symbol collected that is not among the *shown*."""
        unlisted = yield from difference(self._seen, shown)
        return (baseline_record(name, self._seen[name], self._announced.get(name)) for name in unlisted)
