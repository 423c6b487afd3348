"""Watchdog of the exits: their health by the age of the last look at each position, apart from the loop that looks."""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final

from executor.settings import ExitSettings
from shared.errors import pause
from shared.events import HealthStatus
from shared.process.heartbeat import Component

REPORT_SECONDS: Final = 1.0
OVERDUE_SECONDS_MIN: Final = 10.0
OVERDUE_LOOKS: Final = 5
NAMED_MAX: Final = 5


def overdue_seconds(settings: ExitSettings) -> float:
    """Return the greatest age of the last good look at a position."""
    return max(OVERDUE_SECONDS_MIN, OVERDUE_LOOKS * settings.exit_check_seconds)


class Watchdog:
    """The exit monitor reports its looks here. A position without a look for too long is overdue."""

    def __init__(
        self, component: Component, *, overdue_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._component = component
        self._overdue_seconds = overdue_seconds
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._passed_at = clock()
        self._objection = "positions are not watched yet"
        self.report()

    def looked(self, watched: Collection[str], unwatched: Collection[str], objection: str = "") -> None:
        """Record a look: the positions that were evaluated, and those that could not be; together all open ones."""
        now = self._clock()
        self._seen = dict.fromkeys(watched, now) | {name: self._seen.get(name, now) for name in unwatched}
        self._passed_at, self._objection = now, objection
        self.report()

    def failed(self, reason: str) -> None:
        """Record a look that failed altogether."""
        self._objection = reason
        self.report()

    def age_seconds(self) -> float:
        """Return the age of the oldest last look at a position, or of the last look at all."""
        return self._clock() - min((self._passed_at, *self._seen.values()))

    def overdue_count(self) -> int:
        """Return the number of overdue positions. Safe to call from another thread."""
        seen, now = self._seen, self._clock()
        if now - self._passed_at > self._overdue_seconds:
            return len(seen)
        return sum(now - at > self._overdue_seconds for at in seen.values())

    def report(self) -> None:
        """Set the present health."""
        now = self._clock()
        overdue = sorted(name for name, at in self._seen.items() if now - at > self._overdue_seconds)
        if now - self._passed_at > self._overdue_seconds:
            why = f": {self._objection}" if self._objection else ""
            self._component.set(HealthStatus.ERROR, f"positions are not watched{why}")
        elif overdue:
            named = ", ".join(overdue[:NAMED_MAX])
            self._component.set(HealthStatus.DEGRADED, f"{len(overdue)} positions are not watched: {named}")
        elif self._objection:
            self._component.set(HealthStatus.DEGRADED, self._objection)
        else:
            self._component.set(HealthStatus.RUNNING)

    def end(self) -> None:
        """Report ERROR if positions remain open at shutdown."""
        if self._seen:
            self._component.report_at_shutdown(
                HealthStatus.ERROR, f"stopped, and {len(self._seen)} positions are not watched"
            )

    async def run(self, until: asyncio.Event) -> None:
        """Report the health every second, also while a look hangs, until *until* is set."""
        while not until.is_set():
            self.report()
            await pause(REPORT_SECONDS, until)
