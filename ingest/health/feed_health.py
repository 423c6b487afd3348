"""Which feeds are blind, and what that makes of the service's health."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Final, Never

from pydantic import JsonValue

from shared.events import HealthStatus, utc_now
from shared.process.health import Component

CHECK_SECONDS: Final = 1.0


class Feed:
    """One stream of evidence: when it last brought data, and why it does not. Read from other threads too.

    An *optional* feed tells its troubles like any other, and the service is well without it.
    """

    def __init__(
        self, name: str, blind_seconds: float, now: Callable[[], float] = time.monotonic, *, optional: bool = False
    ) -> None:
        self.name = name
        self.optional = optional
        self._blind_seconds = blind_seconds
        self._now = now
        self._refusal = ""
        self._reason = ""
        self._saw_at = now()
        self._last = "yet"

    def begins(self) -> None:
        """Wait for data anew, as at a start."""
        self._saw_at = self._now()
        self._last = "yet"
        self._reason = self._refusal = ""

    def saw(self) -> None:
        """Usable data came."""
        self._saw_at = self._now()
        self._last = f"since {utc_now():%H:%M:%S} UTC"
        self._reason = self._refusal = ""

    def lost(self, reason: str) -> None:
        """Remember why there is no data; it is told if none comes in time."""
        self._reason = reason

    def refused(self, reason: str) -> None:
        """There will be no data for now, says the exchange."""
        self._refusal = reason

    def age_seconds(self) -> float:
        """How long ago usable data came, or since the start."""
        return self._now() - self._saw_at

    def is_settled(self) -> bool:
        """Tell whether it is known how this feed does: it brought data at least once, or it is in trouble."""
        return self._last != "yet" or bool(self.trouble())

    def trouble(self) -> str:
        """Say what is wrong, in words that stay the same while it stays wrong; empty when nothing is."""
        if self._refusal:
            return f"{self.name}: {self._refusal}"
        if self.age_seconds() <= self._blind_seconds:
            return ""
        why = f" ({self._reason})" if self._reason else ""
        return f"{self.name}: no data {self._last}{why}"


Concern = Callable[[], str]
"""Says what is wrong beside the feeds, in words that stay the same while it stays wrong; empty when nothing is."""


class Feeds:
    """The feeds of this service, as its sources add them, and what else it is to warn of."""

    def __init__(self, *feeds: Feed) -> None:
        self._feeds = list(feeds)
        self._beside: list[Feed] = []
        self._warnings: list[Concern] = []
        self._rests: Concern = lambda: ""

    def __iter__(self) -> Iterator[Feed]:
        return iter((*self._feeds, *self._beside))

    def add(self, feed: Feed) -> Feed:
        """Count *feed* in from now on, and return it."""
        self._feeds.append(feed)
        return feed

    def add_beside(self, feed: Feed) -> Feed:
        """Warn of *feed* from now on, and return it: that it is well must not hide that all the others are blind."""
        self._beside.append(feed)
        self.warn(feed.trouble)
        return feed

    def warn(self, warning: Concern) -> None:
        """Ask *warning* too, from now on."""
        self._warnings.append(warning)

    def are_settled(self) -> bool:
        """Tell whether the service can be judged: it does not wait for what it can do without."""
        return all(feed.is_settled() for feed in self._feeds if not feed.optional)

    def rest_while(self, rests: Concern) -> None:
        """Say nothing of the feeds while *rests* says why they rest on purpose."""
        self._rests = rests

    def begin(self) -> None:
        """Wait for data of every feed anew, as at a start."""
        for feed in self:
            feed.begins()

    def ages_seconds(self) -> Iterator[tuple[str, float]]:
        """Yield each feed by name with the age of its newest data; not a number while the feeds rest."""
        rests = bool(self._rests())
        for feed in self:
            yield feed.name, math.nan if rests else feed.age_seconds()

    def facts(self) -> list[JsonValue]:
        """Return each feed by name: how old its last data is, what is wrong with it, and whether it may be missing."""
        return [
            {
                "name": feed.name,
                "age_seconds": round(feed.age_seconds(), 1),
                "trouble": feed.trouble(),
                "optional": feed.optional,
            }
            for feed in self
        ]

    def health(self) -> tuple[HealthStatus, str]:
        """Return the status of the service and the details."""
        if resting := self._rests():
            return HealthStatus.DEGRADED, resting
        return health_of(self._feeds, [warning() for warning in self._warnings])


def health_of(feeds: Iterable[Feed], warnings: Iterable[str] = ()) -> tuple[HealthStatus, str]:
    """Return error where all feeds are blind, degraded where one is or there is a warning; and the details.

    Optional feeds are told of in the details and do not change the status.
    """
    troubles = [(feed.trouble(), feed.optional) for feed in feeds]
    required = [trouble for trouble, optional in troubles if not optional]
    warned = [warning for warning in warnings if warning]
    told = "; ".join([*(trouble for trouble, _ in troubles if trouble), *warned])
    if required and all(required):
        return HealthStatus.ERROR, told
    return HealthStatus.DEGRADED if any(required) or warned else HealthStatus.RUNNING, told


@asynccontextmanager
async def telling(component: Component, feeds: Feeds) -> AsyncIterator[None]:
    """Let *component* tell the state of *feeds* while the body runs."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_keep_told(component, feeds), name="ingest-health")
        yield
        task.cancel()


async def _keep_told(component: Component, feeds: Feeds) -> Never:
    while True:
        component.set(*feeds.health())
        await asyncio.sleep(CHECK_SECONDS)
