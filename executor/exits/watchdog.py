"""Whether every open position is watched: the health of the exits, judged apart from the loop that looks at them."""

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final

from executor.settings import ExitSettings
from shared.backoff import pause
from shared.events import HealthStatus
from shared.process.health import Component

JUDGE_SECONDS: Final = 1.0
OVERDUE_SECONDS_MIN: Final = 10.0
OVERDUE_LOOKS: Final = 5
NAMED_MAX: Final = 5


def overdue_seconds(settings: ExitSettings) -> float:
    """Return how old the last good look at a position may be."""
    return max(OVERDUE_SECONDS_MIN, OVERDUE_LOOKS * settings.exit_check_seconds)


class Watchdog:
    """Whoever looks at positions says so here. One that nobody could look at for too long is overdue."""

    def __init__(
        self, component: Component, *, overdue_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._component = component
        self._overdue_seconds = overdue_seconds
        self._clock = clock
        self._seen: dict[str, float] = {}
        self._passed_at = clock()
        self._objection = "positions are not watched yet"
        self.judge()

    def looked(self, watched: Collection[str], unwatched: Collection[str], objection: str = "") -> None:
        """Take note of a look: these positions were judged, these could not be; what is open is among them."""
        now = self._clock()
        self._seen = dict.fromkeys(watched, now) | {name: self._seen.get(name, now) for name in unwatched}
        self._passed_at, self._objection = now, objection
        self.judge()

    def failed(self, reason: str) -> None:
        """Take note that nothing could be looked at."""
        self._objection = reason
        self.judge()

    def age_seconds(self) -> float:
        """Return how long ago the position that was not looked at for longest was, or else anything was."""
        return self._clock() - min((self._passed_at, *self._seen.values()))

    def overdue_count(self) -> int:
        """Return how many positions are not watched. May be asked from another thread."""
        seen, now = self._seen, self._clock()
        if now - self._passed_at > self._overdue_seconds:
            return len(seen)
        return sum(now - at > self._overdue_seconds for at in seen.values())

    def judge(self) -> None:
        """Tell the health as it is now."""
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
        """Take note that nobody will look any more: what is open is left alone, which is no way to say goodbye."""
        if self._seen:
            self._component.report_at_shutdown(
                HealthStatus.ERROR, f"stopped, and {len(self._seen)} positions are not watched"
            )

    async def keep(self, until: asyncio.Event) -> None:
        """Judge again and again, whatever whoever looks is held up by, until *until* is set."""
        while not until.is_set():
            self.judge()
            await pause(JUDGE_SECONDS, until)
