"""Summaries published as states: read once for all clients, so that pages need not request them."""

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
"""An unchanged summary is published again after this time, so that a page knows it is up to date."""
_PASSING: Final[Any] = {"now": True, "exchange_now": True, "until": True, "items": {"__all__": {"seconds_left"}}}
"""Fields that change merely with time."""


class SummaryStates:
    """Reads the summaries, and publishes those that changed or are due."""

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

    def reset(self) -> None:
        """Publish everything again at the next refresh."""
        self._shown.clear()

    async def refresh(self) -> None:
        """Read the summaries, and publish changes; raise the first failure after the others are published."""
        now = asyncio.get_running_loop().time()
        if now >= self._due:
            self._shown.clear()
            self._due = now + EVERY_SECONDS
        failures = []
        for name, read in self._reads.items():
            try:
                found = await read()
                lasting = found.model_dump(exclude=_PASSING)
                if self._shown.get(name) != lasting or not self._hub.is_shown(name):
                    self._shown[name] = lasting
                    self._hub.show(name, frame(name, found.model_dump_json().encode()))
            except Exception as error:  # noqa: BLE001 - any error of one of them
                failures.append(error)
        if failures:
            raise failures[0]
