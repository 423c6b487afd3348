"""Health of the feeds: blind ones degrade the service, and all of them blind is an error."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from typing import Final, Never

from pydantic import JsonValue

from shared.events import HealthStatus, utc_now
from shared.process.heartbeat import Component

CHECK_SECONDS: Final = 1.0


class Feed:
    """One feed: when it last brought data, and why it does not. Read from other threads too.

    An *optional* feed shows its troubles like any other, and does not degrade the service.
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
        self._received_at = now()
        self._last = "yet"

    def restart(self) -> None:
        """Wait for data again, as at a start."""
        self._received_at = self._now()
        self._last = "yet"
        self._reason = self._refusal = ""

    def received(self) -> None:
        """Record usable data."""
        self._received_at = self._now()
        self._last = f"since {utc_now():%H:%M:%S} UTC"
        self._reason = self._refusal = ""

    def lost(self, reason: str) -> None:
        """Record why there is no data; shown if none comes in time."""
        self._reason = reason

    def refused(self, reason: str) -> None:
        """Record that the exchange refuses this feed."""
        self._refusal = reason

    def age_seconds(self) -> float:
        """Return the time since the latest data, or since the start."""
        return self._now() - self._received_at

    def is_known(self) -> bool:
        """Return whether its state is known: it brought data at least once, or is in trouble."""
        return self._last != "yet" or bool(self.trouble())

    def trouble(self) -> str:
        """Return the trouble, in constant words while it lasts; empty without any."""
        if self._refusal:
            return f"{self.name}: {self._refusal}"
        if self.age_seconds() <= self._blind_seconds:
            return ""
        why = f" ({self._reason})" if self._reason else ""
        return f"{self.name}: no data {self._last}{why}"


HealthWarning = Callable[[], str]
"""Returns a warning beside the feeds, in constant words while it lasts; empty without any."""


class FeedHealth:
    """Feeds as the sources add them, and other warnings."""

    def __init__(self, *feeds: Feed) -> None:
        self._feeds = list(feeds)
        self._secondary: list[Feed] = []
        self._warnings: list[HealthWarning] = []
        self._suspended: HealthWarning = lambda: ""

    def __iter__(self) -> Iterator[Feed]:
        return iter((*self._feeds, *self._secondary))

    def add(self, feed: Feed) -> Feed:
        """Add *feed*, and return it."""
        self._feeds.append(feed)
        return feed

    def add_secondary(self, feed: Feed) -> Feed:
        """Add *feed* for warnings only, and return it: its good state must not hide that all others are blind."""
        self._secondary.append(feed)
        self.add_warning(feed.trouble)
        return feed

    def add_warning(self, warning: HealthWarning) -> None:
        """Add a source of warnings."""
        self._warnings.append(warning)

    def are_known(self) -> bool:
        """Return whether the health of all required feeds is known."""
        return all(feed.is_known() for feed in self._feeds if not feed.optional)

    def suspend_while(self, suspended: HealthWarning) -> None:
        """Report a pause instead of the feeds while *suspended* returns why."""
        self._suspended = suspended

    def restart(self) -> None:
        """Wait for data of every feed again, as at a start."""
        for feed in self:
            feed.restart()

    def ages_seconds(self) -> Iterator[tuple[str, float]]:
        """Yield each feed by name with the age of its newest data; not a number while they are suspended."""
        is_suspended = bool(self._suspended())
        for feed in self:
            yield feed.name, math.nan if is_suspended else feed.age_seconds()

    def facts(self) -> list[JsonValue]:
        """Return each feed by name: age of its data, trouble, and whether it is optional."""
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
        """Return the status of the service and its details."""
        if pause := self._suspended():
            return HealthStatus.DEGRADED, pause
        return health_of(self._feeds, [warning() for warning in self._warnings])


def health_of(feeds: Iterable[Feed], warnings: Iterable[str] = ()) -> tuple[HealthStatus, str]:
    """Return ERROR where all feeds are blind, DEGRADED where one is or there is a warning; and the details.

    Optional feeds are in the details and do not change the status.
    """
    troubles = [(feed.trouble(), feed.optional) for feed in feeds]
    required = [trouble for trouble, optional in troubles if not optional]
    warned = [warning for warning in warnings if warning]
    details = "; ".join([*(trouble for trouble, _ in troubles if trouble), *warned])
    if required and all(required):
        return HealthStatus.ERROR, details
    return HealthStatus.DEGRADED if any(required) or warned else HealthStatus.RUNNING, details


@asynccontextmanager
async def reporting_health(component: Component, feeds: FeedHealth) -> AsyncIterator[None]:
    """Keep the health of *component* in step with *feeds* while the body runs."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_keep_told(component, feeds), name="ingest-health")
        yield
        task.cancel()


async def _keep_told(component: Component, feeds: FeedHealth) -> Never:
    while True:
        component.set(*feeds.health())
        await asyncio.sleep(CHECK_SECONDS)
