"""The clock of a replay: the time of the recording."""

from datetime import datetime


class Clock:
    """Time of the current sighting or opening."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, to: datetime) -> None:
        """Go on to *to*; time never goes back."""
        self._now = max(self._now, to)
