"""Whether so many coins are listed at once that rather somebody is wrong."""

from datetime import datetime, timedelta
from typing import Final

from shared.events import ListingKey

_WINDOW: Final = timedelta(minutes=1)


class MassListing:
    """Counts listings that would be bought, over the last minute, each once however often it is told."""

    def __init__(self, per_minute_max: int) -> None:
        self._per_minute_max = per_minute_max
        self._latest: dict[ListingKey, datetime] = {}

    def is_too_many(self, key: ListingKey, now: datetime) -> bool:
        """Count the listing *key*; tell whether that makes more of them than are plausible."""
        # Oldest first, unless the clock steps back: then it keeps for longer what it counted, which only halts sooner.
        while self._latest and now - next(iter(self._latest.values())) >= _WINDOW:
            del self._latest[next(iter(self._latest))]
        self._latest.setdefault(key, now)
        return len(self._latest) > self._per_minute_max
