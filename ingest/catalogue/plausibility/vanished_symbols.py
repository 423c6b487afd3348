"""Symbols that snapshots miss: counted until they are confirmed as vanished, which ends their listing."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ingest.catalogue.plausibility.thresholds import Thresholds
from ingest.stepwise import Steps, difference

BATCH_MAX: Final = 10
"""Symbols that may be delisted at once, however short the list."""


@dataclass(frozen=True, slots=True)
class _Absence:
    since: datetime
    reads: int


class VanishedSymbols:
    def __init__(self, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._missing: dict[str, _Absence] = {}

    def seen(self, symbols: AbstractSet[str]) -> None:
        """Reset the absence of each of *symbols*."""
        for symbol in [symbol for symbol in self._missing if symbol in symbols]:
            del self._missing[symbol]

    def missed(
        self, expected: AbstractSet[str], shown: AbstractSet[str], described: AbstractSet[str], at: datetime
    ) -> Steps[list[str]]:
        """Process one snapshot; return the *expected* symbols that it confirms as gone.

        Nothing is confirmed while more symbols are missing than an exchange delists at once: that is a stale cache.
        Symbols no snapshot has *described* count only once no other event has shown them for long.
        """
        absent = yield from difference(expected, shown)
        before = self._missing
        self._missing = {symbol: _once_more(before.get(symbol), at) for symbol in absent}
        gone = sorted(symbol for symbol, absence in self._missing.items() if self._is_confirmed(absence, at))
        lost = described & self._missing.keys() | set(gone)
        if len(lost) > max(BATCH_MAX, len(expected) * self._thresholds.shrunken_percent // 100):
            return []
        for symbol in gone:
            del self._missing[symbol]
        return gone

    def _is_confirmed(self, absence: _Absence, at: datetime) -> bool:
        return absence.reads >= self._thresholds.gone_reads and at - absence.since >= self._thresholds.gone_after


def _once_more(absence: _Absence | None, at: datetime) -> _Absence:
    return _Absence(at, 1) if absence is None else replace(absence, reads=absence.reads + 1)
