"""The executor's limiter for tests that need one and are about something else."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from prometheus_client import CollectorRegistry

from executor.assembly import limiter_of
from executor.rate_limits.limiter_metrics import LimiterMetrics
from executor.rate_limits.rate_limiter import RateLimiter
from executor.settings import ExecutorSettings

T = TypeVar("T")

_TURNS: Final = 20
"""Of the loop, after which every task that can go on has gone on."""


def a_limiter(settings: ExecutorSettings | None = None) -> RateLimiter:
    return limiter_of(settings or ExecutorSettings(), CollectorRegistry())


def metrics() -> LimiterMetrics:
    return LimiterMetrics(CollectorRegistry())


class Clock:
    """Stands still, and goes on to the next timer when nothing else is left to do."""

    def __init__(self) -> None:
        self.now = 100.0
        self._timers: list[Alarm] = []

    def __call__(self) -> float:
        return self.now

    def call_later(self, seconds: float, do: Callable[[], None]) -> "Alarm":
        alarm = Alarm(self.now + seconds, do)
        self._timers.append(alarm)
        return alarm

    def timers(self) -> "list[Alarm]":
        """Return those that are set."""
        return [each for each in self._timers if not each.cancelled]

    async def during(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what *work* returns, with as much time passing as it waits for."""
        task = asyncio.create_task(work)
        while not task.done():
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            self._timers = [each for each in self._timers if not each.cancelled]
            if self._timers and not task.done():
                alarm = min(self._timers, key=lambda each: each.at)
                self._timers.remove(alarm)
                self.now = max(self.now, alarm.at)
                alarm.do()
        return task.result()


@dataclass(eq=False)
class Alarm:
    at: float
    do: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True
