"""The first start of all: what was there before we looked is not new."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import datetime

from ingest.catalogue.result import EMPTY, NOTHING, Findings
from ingest.catalogue.symbol_record import Known
from ingest.catalogue.thresholds import Rules
from ingest.catalogue.transitions import old
from ingest.cooperative import Steps, for_each, without
from ingest.source_events import Names, Snapshot
from shared.events import Source


class Baseline:
    """Collects all that is seen until one source gave both its names and a snapshot.

    Both, because a name which only one of the two shows would look new the first time the other is read; and because
    a snapshot that lacks many of the names is not whole.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._seen: dict[str, datetime] = {}
        self._names: dict[Source, frozenset[str]] = {}
        self._announced: dict[str, datetime] = {}
        self._held: AbstractSet[str] | None = None
        self.ticked_at: datetime | None = None
        """When the latest ticker frame came that is part of it."""

    def note(self, names: Names) -> Steps[Findings]:
        """Take in what trades; nothing follows from it yet."""
        if names.complete and not names.symbols:
            return EMPTY
        if len(self._seen) + len(names.symbols) <= self._rules.symbols_max:
            yield from for_each(names.symbols, lambda symbol: self._seen.setdefault(symbol, names.observed_at))
        if names.complete:
            self._names[names.source] = frozenset(names.symbols)
        else:
            self.ticked_at = names.observed_at
        return NOTHING

    def announce(self, symbol: str, opens_at: datetime) -> Findings:
        """Take in when a symbol opens, in case that is not told otherwise."""
        if len(self._announced) < self._rules.symbols_max:
            self._announced[symbol] = opens_at
        return NOTHING

    def names_of(self, source: Source) -> frozenset[str]:
        return self._names[source]

    def is_complete_with(self, snapshot: Snapshot) -> bool:
        return snapshot.source in self._names

    def doubt(self, source: Source, shown: AbstractSet[str]) -> Steps[str]:
        """Return why a snapshot of *shown* is not whole, or nothing; the second of two alike is taken as it is."""
        missing = len((yield from without(self._names[source], shown)))
        if missing <= self._rules.swollen_max or shown == self._held:
            return ""
        self._held = shown
        return f"shrunken: {missing} of the tradable names missing"

    def described_by(self, snapshot: Snapshot) -> Iterator[Known]:
        """Return what *snapshot* shows."""
        announced, at = self._announced.get, snapshot.observed_at
        return (old(info.symbol, at, announced(info.symbol), info) for info in snapshot.symbols)

    def missing_from(self, shown: AbstractSet[str]) -> Steps[Iterator[Known]]:
        """Return what was there too, and is not among the *shown*."""
        unlisted = yield from without(self._seen, shown)
        return (old(name, self._seen[name], self._announced.get(name)) for name in unlisted)
