"""The time that sightings are stamped with."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry

from ingest.sighting_time import ExchangeTime, SkewWatch
from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.time.exchange_clock import ExchangeClock
from tests.support.data.builders import NOON


class Machine:
    """A machine whose wall clock is wrong, and the exchange, at which it is noon."""

    def __init__(self, *, ahead_seconds: float = 0) -> None:
        self.passed_seconds = 0.0
        self.ahead_seconds = ahead_seconds
        self.exchange_is_away = False

    def monotonic(self) -> float:
        return 5000 + self.passed_seconds

    def wall(self) -> datetime:
        return NOON + timedelta(seconds=self.passed_seconds + self.ahead_seconds)

    async def ask(self) -> int:
        if self.exchange_is_away:
            raise ExchangeUnavailable("away")
        return int((NOON + timedelta(seconds=self.passed_seconds)).timestamp() * 1000)

    @asynccontextmanager
    async def time(self) -> AsyncIterator[ExchangeTime]:
        time, clock = ExchangeTime(self.wall, self.monotonic), ExchangeClock(self.ask, now=self.monotonic)
        time.follow(clock)
        keeping = asyncio.create_task(clock.keep())
        await clock.first_round.wait()
        yield time
        keeping.cancel()
        await asyncio.wait([keeping])


def is_about(moment: datetime, seconds: float) -> bool:
    return abs((moment - NOON).total_seconds() - seconds) < 0.002


async def test_time_is_the_exchanges_whatever_the_clock_of_this_machine_says() -> None:
    machine = Machine(ahead_seconds=3)
    async with machine.time() as time:
        assert is_about(time(), 0)


async def test_step_of_the_wall_clock_does_not_move_it() -> None:
    machine = Machine()
    async with machine.time() as time:
        time()
        machine.ahead_seconds, machine.passed_seconds = -600, 1.5
        assert is_about(time(), 1.5)
        assert time.wall_ahead_seconds() == pytest.approx(-600, abs=0.01)


async def test_time_of_this_machine_stands_in_while_the_exchanges_is_not_known() -> None:
    machine = Machine(ahead_seconds=3)
    machine.exchange_is_away = True
    async with machine.time() as time:
        assert time() == NOON + timedelta(seconds=3)
        assert math.isnan(time.wall_ahead_seconds())


async def test_exchange_that_stops_telling_its_time_is_carried_on_by_the_monotonic_clock() -> None:
    machine = Machine(ahead_seconds=3)
    async with machine.time() as time:
        time()
        machine.passed_seconds = 1000  # By now the estimate is too old to sign by.
        assert is_about(time(), 1000)


@pytest.mark.parametrize(
    ("ahead_seconds", "concern"),
    [
        (1.9, ""),
        (-1.9, ""),
        (3, "clock: this machine's is more than 2 s ahead of the exchange's"),
        (-3, "clock: this machine's is more than 2 s behind the exchange's"),
    ],
)
async def test_clock_that_is_far_from_the_exchanges_is_a_concern_and_measured(
    ahead_seconds: float, concern: str
) -> None:
    registry = CollectorRegistry()
    async with Machine(ahead_seconds=ahead_seconds).time() as time:
        watch = SkewWatch(time, 2.0, registry)
        time()

        assert watch() == concern
        measured = registry.get_sample_value("sniper_ingest_clock_ahead_seconds")
        assert measured == pytest.approx(ahead_seconds, abs=0.01)


def test_clock_that_cannot_be_compared_is_no_concern() -> None:
    assert SkewWatch(ExchangeTime(), 2.0, CollectorRegistry())() == ""
