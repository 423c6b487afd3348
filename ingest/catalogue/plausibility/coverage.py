"""Coverage by sources: gaps in it, and symbols that snapshots miss, until they are confirmed as delistings."""

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


class Absences:
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


class CoverageGaps:
    """Tracks when sources delivered events, and whether a snapshot has closed the last gap.

    Tickers keep coverage while the lists are blind, so that a symbol that ticks first is not late.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._blind_after = thresholds.blind_after
        self._watch_min = thresholds.watch_min
        self._listed_at: datetime | None = None
        self._ticked_at: datetime | None = None
        self._watching_since: datetime | None = None
        """Start of the current run of tickers without a gap."""
        self._watched_until: datetime | None = None
        """Time of the last ticker before that gap."""
        self._lists_caught_up = self._ticks_caught_up = False

    def list_is_late(self, at: datetime) -> bool:
        """Return whether a symbol first shown by a list at *at* may be late. Call before `listed`."""
        self._expire(at)
        return not self._lists_caught_up

    def ticker_is_late(self, at: datetime) -> bool:
        """Return whether a symbol first shown by a ticker or a trade at *at* may be late. Call before `ticked`."""
        self._expire(at)
        return not self._ticks_caught_up

    def listed(self, at: datetime, *, is_snapshot: bool) -> None:
        """Record an accepted list. A snapshot shows everything, and closes the gap."""
        self._listed_at = at
        if is_snapshot:
            self._lists_caught_up = self._ticks_caught_up = True

    def ticked(self, at: datetime) -> None:
        if not self._is_recent(self._ticked_at, at):
            self._watched_until, self._watching_since = self._ticked_at, at
        self._ticked_at = at

    def opened_at(self, at: datetime) -> datetime | None:
        """Return the earliest opening that a first sign of trading at *at* can stand for. Call before `ticked`.

        That is *at* itself under full coverage, the start of the gap behind one, and None without any coverage before
        it.
        """
        if not self._is_recent(self._ticked_at, at):
            return self._ticked_at
        assert self._watching_since is not None
        return at if at - self._watching_since >= self._watch_min else self._watched_until

    def _expire(self, at: datetime) -> None:
        listed, ticked = self._is_recent(self._listed_at, at), self._is_recent(self._ticked_at, at)
        self._lists_caught_up = self._lists_caught_up and listed
        self._ticks_caught_up = self._ticks_caught_up and (listed or ticked)

    def _is_recent(self, moment: datetime | None, at: datetime) -> bool:
        return moment is not None and at - moment <= self._blind_after
