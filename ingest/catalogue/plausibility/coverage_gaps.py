"""Whether we were looking: what appears after we were not may have been there for a while."""

from datetime import datetime

from ingest.catalogue.plausibility.thresholds import Thresholds


class CoverageGaps:
    """Follows when there was evidence at all, and whether a snapshot has told since what we missed.

    The tickers go on watching while the lists are blind, so that what ticks first has not been there for a while.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._blind_after = thresholds.blind_after
        self._watch_min = thresholds.watch_min
        self._listed_at: datetime | None = None
        self._ticked_at: datetime | None = None
        self._watching_since: datetime | None = None
        """When the tickers began that have come without a gap since then."""
        self._watched_until: datetime | None = None
        """The last ticker before that gap."""
        self._lists_caught_up = self._ticks_caught_up = False

    def list_is_late(self, at: datetime) -> bool:
        """Return whether what a list shows first at *at* may have been there before. Read it before `listed`."""
        self._expire(at)
        return not self._lists_caught_up

    def ticker_is_late(self, at: datetime) -> bool:
        """Return the same of what a ticker or a trade shows first. Read it before `ticked`."""
        self._expire(at)
        return not self._ticks_caught_up

    def listed(self, at: datetime, *, is_snapshot: bool) -> None:
        """Take note that a list was believed. A snapshot shows everything, and ends the catching up."""
        self._listed_at = at
        if is_snapshot:
            self._lists_caught_up = self._ticks_caught_up = True

    def ticked(self, at: datetime) -> None:
        if not self._is_recent(self._ticked_at, at):
            self._watched_until, self._watching_since = self._ticked_at, at
        self._ticked_at = at

    def opened_at(self, at: datetime) -> datetime | None:
        """Return the earliest moment that a first sign of trading at *at* can stand for. Read it before `ticked`.

        That is *at* itself for one who was watching; behind a gap it is the moment at which the gap began, and None
        where nothing was watched before it.
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
