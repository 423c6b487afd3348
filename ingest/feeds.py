"""Which feeds are blind, and what that makes of the service's health."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Final, NamedTuple, Never

from shared.events import HealthStatus, utc_now
from shared.health import Component

CHECK_SECONDS: Final = 1.0


class Feed:
    """One stream of evidence: when it last brought data, and why it does not. Read from other threads too."""

    def __init__(self, name: str, blind_seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._blind_seconds = blind_seconds
        self._now = now
        self._refusal = ""
        self._reason = ""
        self._saw_at = now()
        self._last = "yet"

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


class Feeds(NamedTuple):
    """The feeds of this service."""

    websocket: Feed
    default_symbols: Feed
    exchange_info: Feed

    def are_settled(self) -> bool:
        return all(feed.is_settled() for feed in self)


def health_of(feeds: Iterable[Feed]) -> tuple[HealthStatus, str]:
    """Return running, degraded where a feed is blind, error where all are; and the details."""
    troubles = [feed.trouble() for feed in feeds]
    if not any(troubles):
        return HealthStatus.RUNNING, ""
    status = HealthStatus.ERROR if all(troubles) else HealthStatus.DEGRADED
    return status, "; ".join(filter(None, troubles))


@asynccontextmanager
async def telling(component: Component, feeds: Collection[Feed]) -> AsyncIterator[None]:
    """Let *component* tell the state of *feeds* while the body runs."""
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(_keep_told(component, feeds), name="ingest-health")
        yield
        task.cancel()


async def _keep_told(component: Component, feeds: Collection[Feed]) -> Never:
    while True:
        component.set(*health_of(feeds))
        await asyncio.sleep(CHECK_SECONDS)
