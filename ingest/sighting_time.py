"""Time that sightings are stamped with: the exchange's once it is known, immune to steps of our clock."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Never

from prometheus_client import CollectorRegistry, Gauge

from ingest.budget.request_budget import RequestBudget
from ingest.source import Report, Upcoming
from shared.events import Source, utc_now
from shared.mexc.errors import ClockUncertainError
from shared.mexc.market_data import MexcMarketData
from shared.mexc.time.clock_estimate import boot_seconds
from shared.mexc.time.exchange_clock import ExchangeClock

WEIGHT: Final = 1
LOOK_SECONDS: Final = 1.0
"""Interval between looks for a newer estimate of the exchange's clock."""
JITTER_SECONDS: Final = 0.002
"""Estimates that differ by less count as equal, so that time never runs backwards."""


class ExchangeTime:
    """Our wall clock until the exchange's time is known, then the exchange's, carried on by a monotonic clock."""

    def __init__(self, wall: Callable[[], datetime] = utc_now, monotonic: Callable[[], float] = boot_seconds) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._clock: ExchangeClock | None = None
        self._ahead_seconds: float | None = None
        """Of the exchange's clock over the monotonic one."""
        self._look_at = float("-inf")

    def __call__(self) -> datetime:
        now = self._monotonic()
        if now >= self._look_at:
            self._look(now)
        if self._ahead_seconds is None:
            return self._wall()
        return datetime.fromtimestamp(now + self._ahead_seconds, UTC)

    def follow(self, clock: ExchangeClock) -> None:
        """Follow *clock* from now on; while it is in doubt, its last known time."""
        self._clock = clock

    def wall_ahead_seconds(self) -> float:
        """Return how far this machine's clock is ahead of the exchange's; NaN while that is unknown."""
        if self._ahead_seconds is None:
            return float("nan")
        return self._wall().timestamp() - self._monotonic() - self._ahead_seconds

    def exchange_ahead_ms(self) -> float | None:
        """Return how far the exchange's clock is ahead of this machine's; None while that is unknown."""
        return None if self._ahead_seconds is None else round(-self.wall_ahead_seconds() * 1000, 1)

    def _look(self, now: float) -> None:
        if self._clock is None:
            return
        try:
            ahead_seconds = self._clock.likely_ahead_seconds()
        except ClockUncertainError:
            return
        self._look_at = now + LOOK_SECONDS
        if self._ahead_seconds is None or abs(ahead_seconds - self._ahead_seconds) > JITTER_SECONDS:
            self._ahead_seconds = ahead_seconds


class TimePoll:
    """Source without events: keeps the estimate of the exchange's time."""

    name: Final = Source.MEXC_REST_API

    def __init__(self, rest: MexcMarketData, budget: RequestBudget, exchange_time: ExchangeTime) -> None:
        self._rest = rest
        self._budget = budget
        self._clock = ExchangeClock(self._ask)
        exchange_time.follow(self._clock)

    async def watch(self, _: Report) -> Never:
        await self._clock.keep()
        raise AssertionError

    async def _ask(self) -> int:
        async with self._budget.spend(WEIGHT):
            return await self._rest.server_time()


class SkewWatch:
    """Warning of a wrong clock on this machine, for health and metrics."""

    def __init__(self, exchange_time: ExchangeTime, seconds_max: float, registry: CollectorRegistry) -> None:
        self._time = exchange_time
        self._seconds_max = seconds_max
        gauge = Gauge(
            "sniper_ingest_clock_ahead_seconds",
            "How far this machine's clock is ahead of the exchange's; NaN while that is unknown",
            registry=registry,
        )
        gauge.set_function(exchange_time.wall_ahead_seconds)

    def __call__(self) -> str:
        ahead = self._time.wall_ahead_seconds()
        if not abs(ahead) > self._seconds_max:  # Also where it is NaN.
            return ""
        which = "ahead of" if ahead > 0 else "behind"
        return f"clock: this machine's is more than {self._seconds_max:g} s {which} the exchange's"


@dataclass(frozen=True, slots=True)
class UpcomingOpenings:
    upcoming: Callable[[], Sequence[Upcoming]]
    time: ExchangeTime = field(default_factory=ExchangeTime)
