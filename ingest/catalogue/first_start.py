"""The first start of all: what was there before we looked is not new."""

from collections.abc import Mapping
from datetime import datetime

from ingest.catalogue.findings import NOTHING, Findings
from ingest.catalogue.known import Known
from ingest.catalogue.rules import Rules
from ingest.catalogue.transitions import old
from ingest.evidence import Names, Snapshot
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
        self._held: frozenset[str] | None = None
        self.ticked_at: datetime | None = None
        """When the latest ticker frame came that is part of it."""

    def note(self, names: Names) -> Findings:
        """Take in what trades; nothing follows from it yet."""
        if len(self._seen) + len(names.symbols) <= self._rules.symbols_max:
            self._seen.update(dict.fromkeys(names.symbols - self._seen.keys(), names.observed_at))
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

    def doubt(self, snapshot: Snapshot) -> str:
        """Return why *snapshot* is not whole, or nothing; the second of two alike is taken as it is."""
        shown = frozenset(info.symbol for info in snapshot.symbols)
        missing = len(self._names[snapshot.source] - shown)
        if missing <= self._rules.swollen_max or shown == self._held:
            return ""
        self._held = shown
        return f"shrunken: {missing} of the tradable names missing"

    def with_snapshot(self, snapshot: Snapshot) -> Mapping[str, Known]:
        """Return everything that was there, by its symbol."""
        announced, at = self._announced.get, snapshot.observed_at
        shown = {info.symbol: old(info.symbol, at, announced(info.symbol), info) for info in snapshot.symbols}
        unlisted = self._seen.keys() - shown.keys()
        return shown | {name: old(name, self._seen[name], announced(name)) for name in unlisted}
