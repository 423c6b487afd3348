"""Summaries that the stream shows as states, so that no page asks for them: read once for all clients."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from api.reading.statistics.results import Days
from api.reading.statistics.windows import Window
from api.reading.summaries import Summaries
from api.schemas import Answer
from api.streaming.frames import frame
from api.streaming.hub import Hub

EVERY_SECONDS: Final = 15.0
"""A summary that has not changed is shown again, so that a page can tell that it is still kept up to date."""
_PASSING: Final[Any] = {"now": True, "exchange_now": True, "until": True, "items": {"__all__": {"seconds_left"}}}
"""What changes by itself as time passes."""


class SummaryStates:
    """Reads the summaries, and shows those that changed, or are due."""

    def __init__(self, summaries: Summaries, hub: Hub) -> None:
        self._hub = hub
        self._reads: Mapping[str, Callable[[], Coroutine[Any, Any, Answer]]] = {
            "upcoming": summaries.upcoming,
            "listing_stats": lambda: summaries.listing_stats(Window()),
            "trade_stats": lambda: summaries.trade_stats(Window()),
            "results": lambda: summaries.results(Days()),
            "monitor": summaries.monitor,
        }
        self._shown: dict[str, object] = {}
        self._due = 0.0

    def start_over(self) -> None:
        """Show everything again at the next look."""
        self._shown.clear()

    async def look(self) -> None:
        """Show what is news; raise what the first that could not be read raised, once the others are shown."""
        now = asyncio.get_running_loop().time()
        if now >= self._due:
            self._shown.clear()
            self._due = now + EVERY_SECONDS
        failures = []
        for name, read in self._reads.items():
            try:
                self._show(name, await read())
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one of them
                failures.append(error)
        if failures:
            raise failures[0]

    def _show(self, name: str, found: Answer) -> None:
        """Show a summary where what is lasting of it is not what was shown before."""
        lasting = found.model_dump(exclude=_PASSING)
        if self._shown.get(name) != lasting or not self._hub.is_shown(name):
            self._shown[name] = lasting
            self._hub.show(name, frame(name, found.model_dump_json().encode()))
