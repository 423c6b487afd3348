"""Whether we were looking: what appears after we were not may have been there for a while."""

from datetime import datetime, timedelta


class Vigil:
    """Follows when there was evidence at all, and whether a snapshot has told since what we missed."""

    def __init__(self, blind_after: timedelta) -> None:
        self._blind_after = blind_after
        self._listed_at: datetime | None = None
        self._ticked_at: datetime | None = None
        self._caught_up = False

    def tells_late(self, at: datetime) -> bool:
        """Return whether what a list shows first at *at* may have been there before. Read it before `listed`."""
        self._wake(at, self._listed_at)
        return not self._caught_up

    def ticks_late(self, at: datetime) -> bool:
        """Return the same of what a ticker or a trade shows first."""
        latest = max((moment for moment in (self._listed_at, self._ticked_at) if moment is not None), default=None)
        self._wake(at, latest)
        return not self._caught_up

    def listed(self, at: datetime, *, is_snapshot: bool) -> None:
        """Take note that a list was believed. A snapshot shows everything, and ends the catching up."""
        self._listed_at = at
        self._caught_up = self._caught_up or is_snapshot

    def ticked(self, at: datetime) -> None:
        self._ticked_at = at

    def _wake(self, at: datetime, looked_at: datetime | None) -> None:
        if looked_at is None or at - looked_at > self._blind_after:
            self._caught_up = False
