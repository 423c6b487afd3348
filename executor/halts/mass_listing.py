"""Mass listing: more listings in a minute than are plausible, which rather means an error. Pure."""

from datetime import datetime, timedelta
from typing import Final

from shared.events import ListingKey

_WINDOW: Final = timedelta(minutes=1)


class MassListing:
    """Counts listings that would be bought, over the last minute, each once however often it is delivered."""

    def __init__(self, per_minute_max: int) -> None:
        self._per_minute_max = per_minute_max
        self._latest: dict[ListingKey, datetime] = {}

    def is_too_many(self, key: ListingKey, now: datetime) -> bool:
        """Count the listing *key*; return whether that makes more of them than are plausible."""
        if not self._is_recent(key, now):
            self._latest[key] = now
        if len(self._latest) > self._per_minute_max:  # Until then nothing need be forgotten.
            self._latest = {each: at for each, at in self._latest.items() if self._is_recent(each, now)}
        return len(self._latest) > self._per_minute_max

    def _is_recent(self, key: ListingKey, now: datetime) -> bool:
        # A clock that stepped back keeps its counts, which only halts sooner.
        return key in self._latest and now - self._latest[key] < _WINDOW
