"""Whether so many coins are listed at once that rather somebody is wrong."""

from collections import deque
from datetime import datetime, timedelta
from typing import Final

_WINDOW: Final = timedelta(minutes=1)


class MassListing:
    """Counts listings that would be bought, over the last minute."""

    def __init__(self, per_minute_max: int) -> None:
        self._latest: deque[datetime] = deque(maxlen=per_minute_max)

    def is_too_many(self, now: datetime) -> bool:
        """Count one listing more, once however often it is delivered; tell whether that is more than are plausible."""
        is_full = len(self._latest) == self._latest.maxlen
        # A clock that stepped back makes the oldest look young, which only halts sooner.
        too_many = is_full and now - self._latest[0] < _WINDOW
        self._latest.append(now)
        return too_many
