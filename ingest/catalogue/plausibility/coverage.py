"""Coverage by sources, and gaps in it."""

from datetime import datetime, timedelta

from ingest.catalogue.plausibility.thresholds import Thresholds


class CoverageGaps:
    """Tracks when sources delivered events, and whether a snapshot has closed the last gap.

    Tickers keep coverage while the lists are blind, so that a symbol that ticks first is not late.
    """

    def __init__(self, thresholds: Thresholds) -> None:
        self._blind_after = thresholds.blind_after
        self._watch_min, self._watch_max = thresholds.watch_min, thresholds.watch_max
        self._began_at: datetime | None = None
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
        self._began_at = self._began_at or at
        self._listed_at = at
        if is_snapshot:
            self._lists_caught_up = self._ticks_caught_up = True

    def ticked(self, at: datetime) -> None:
        self._began_at = self._began_at or at
        if not self._is_recent(self._ticked_at, at):
            self._watched_until, self._watching_since = self._ticked_at, at
        self._ticked_at = at

    def is_ticking(self, at: datetime) -> bool:
        """Return whether tickers come at *at*."""
        return self._is_recent(self._ticked_at, at)

    def have_ticked_since(self, moment: datetime, at: datetime) -> bool:
        """Return whether tickers have come from *moment* until *at* without a gap."""
        return self._watching_since is not None and self._watching_since <= moment and self.is_ticking(at)

    def opened_at(self, at: datetime, watched_since: datetime | None) -> datetime | None:
        """Return the earliest opening that a first sign of trading at *at* can stand for. Call before `ticked`.

        That is *at* itself under full coverage, the start of the gap behind one, and None without any coverage before
        it. The symbol appeared at *watched_since*, or unwatched.
        """
        if not self._is_recent(self._ticked_at, at):
            return self._ticked_at
        assert self._watching_since is not None
        watched = at - self._watching_since
        return at if watched >= self._watch_needed(self._watching_since, watched_since) else self._watched_until

    def _watch_needed(self, watching_since: datetime, watched_since: datetime | None) -> timedelta:
        """Return the coverage by tickers since the gap that shows that a symbol did not trade within it."""
        gap_from = self._watched_until
        if watched_since is not None and self._began_at is not None and watched_since >= self._began_at:
            gap_from = max(watched_since, gap_from or watched_since)
        gap = self._watch_max if gap_from is None else watching_since - gap_from
        return min(max(gap, self._watch_min), self._watch_max)

    def _expire(self, at: datetime) -> None:
        listed, ticked = self._is_recent(self._listed_at, at), self._is_recent(self._ticked_at, at)
        self._lists_caught_up = self._lists_caught_up and listed
        self._ticks_caught_up = self._ticks_caught_up and (listed or ticked)

    def _is_recent(self, moment: datetime | None, at: datetime) -> bool:
        return moment is not None and at - moment <= self._blind_after
