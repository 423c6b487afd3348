"""Hold of sightings of what appeared unwatched, until exchangeInfo has described it: it may have just opened."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from ingest.catalogue import Sighting

LATE_HOLD_SECONDS: Final = 2.0
"""Longer than the first answer of exchangeInfo takes; and several times as long as one that watches needs to see and
claim a listing that another finds at its start."""


class LateHold:
    """Holds sightings whose listing would be refused for want of an opening that exchangeInfo is about to state."""

    def __init__(self, seconds: float = LATE_HOLD_SECONDS) -> None:
        self._seconds = seconds
        self._news = asyncio.Event()
        self.latest: Callable[[Sighting], Sighting] = lambda sighting: sighting
        """Returns a sighting with what is known of its listing by now."""

    def look_again(self) -> None:
        """Release what exchangeInfo has described meanwhile."""
        self._news.set()
        self._news = asyncio.Event()

    async def described(self, sighting: Sighting) -> Sighting:
        """Return *sighting* as it is once its symbol is described, or once it was held for long enough."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._seconds):
                while self.latest(sighting).lacks_description:
                    await self._news.wait()
        return self.latest(sighting)
