"""Symbols that snapshots miss: counted until they are confirmed as vanished, which ends their listing."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ingest.catalogue.plausibility.coverage import CoverageGaps
from ingest.catalogue.plausibility.thresholds import Thresholds
from ingest.stepwise import Steps, difference

BATCH_MAX: Final = 10
"""Symbols that may be delisted at once, however short the list."""
CERTAIN_FACTOR: Final = 36
"""So many times what confirms an absence puts it beyond doubt: by default 180 snapshots and six hours."""


class Vanished(NamedTuple):
    """Symbol whose absence is confirmed."""

    symbol: str
    since: datetime
    """Time of the first snapshot that missed it."""


@dataclass(frozen=True, slots=True)
class _Absence:
    since: datetime
    reads: int = 0
    watched_reads: int = 0
    """Those while tickers came."""


class VanishedSymbols:
    def __init__(self, thresholds: Thresholds, gaps: CoverageGaps) -> None:
        self._thresholds, self._gaps = thresholds, gaps
        self._missing: dict[str, _Absence] = {}
        self.withheld_count = 0
        """Confirmed absences that are too many to be believed."""

    def seen(self, symbols: AbstractSet[str]) -> None:
        """Reset the absence of each of *symbols*."""
        for symbol in [symbol for symbol in self._missing if symbol in symbols]:
            del self._missing[symbol]

    def missed(
        self, expected: AbstractSet[str], shown: AbstractSet[str], described: AbstractSet[str], at: datetime
    ) -> Steps[list[Vanished]]:
        """Process one snapshot; return the *expected* symbols that it confirms as gone.

        Nothing is confirmed while more symbols are missing than an exchange delists at once: that is a stale cache.
        Symbols no snapshot has *described* count only once no other event has shown them for long.

        What snapshots have missed for much longer, although tickers came, was delisted while ingest was away. It counts
        no more, and is confirmed in batches.
        """
        absent = yield from difference(expected, shown)
        before = self._missing
        is_watched = self._gaps.is_ticking(at)
        self._missing = {
            symbol: _once_more(before.get(symbol) or _Absence(at), is_watched=is_watched) for symbol in absent
        }
        absences = self._missing.items()
        confirmed = {symbol for symbol, absence in absences if self._suffice(absence.reads, at - absence.since)}
        certain = {
            symbol
            for symbol, absence in absences
            if self._suffice(absence.watched_reads, at - absence.since, CERTAIN_FACTOR)
        }
        believed = sorted(confirmed - certain)
        lost = (described & self._missing.keys() | confirmed) - certain
        is_stale = len(lost) > max(BATCH_MAX, len(expected) * self._thresholds.shrunken_percent // 100)
        self.withheld_count = len(believed) if is_stale else 0
        gone = sorted(certain)[:BATCH_MAX] + ([] if is_stale else believed)
        return [Vanished(symbol, self._missing.pop(symbol).since) for symbol in gone]

    def _suffice(self, reads: int, duration: timedelta, factor: int = 1) -> bool:
        """Return whether so many *reads* over *duration* are *factor* times what confirms an absence."""
        return reads >= self._thresholds.gone_reads * factor and duration >= self._thresholds.gone_after * factor


def _once_more(absence: _Absence, *, is_watched: bool) -> _Absence:
    return replace(absence, reads=absence.reads + 1, watched_reads=absence.watched_reads + is_watched)
