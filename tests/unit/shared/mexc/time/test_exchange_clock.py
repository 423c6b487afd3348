"""How often the exchange is asked for its time."""

import asyncio
from contextlib import suppress
from itertools import pairwise

import pytest

from shared.mexc.errors import QUIET_LOOK_SECONDS, ClockUncertainError, ExchangeUnavailable, RateLimited
from shared.mexc.time.exchange_clock import RETRY_SECONDS_MAX, SAMPLES, SUSPECTED_SECONDS, ClockOptions, ExchangeClock
from tests.support.fakes.virtual_time import VirtualLoop
from tests.waiting import eventually


def test_while_the_time_is_unknown_it_is_asked_for_every_few_seconds_however_long_that_lasts() -> None:
    """Nothing can be sold meanwhile."""
    loop = VirtualLoop()
    loop.is_busy = lambda: False
    asked: list[float] = []

    async def ask() -> int:
        asked.append(loop.time())
        raise ExchangeUnavailable("no answer")

    async def keep() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(600):
                await ExchangeClock(ask, now=loop.time).keep()

    try:
        loop.run_until_complete(keep())
    finally:
        loop.close()

    gaps = [after - before for before, after in pairwise(asked)]
    assert len(gaps) > 100
    assert max(gaps) <= RETRY_SECONDS_MAX + 0.1


def test_time_is_known_soon_after_a_ban_that_ended_while_the_machine_slept() -> None:
    """Timers stand still meanwhile, and without the time nothing can be sold."""
    loop = VirtualLoop()
    loop.is_busy = lambda: False
    slept_seconds, banned_until = 0.0, float("inf")

    def boot() -> float:
        return loop.time() + slept_seconds

    async def ask() -> int:
        if (left_seconds := banned_until - boot()) > 0:
            raise RateLimited(min(left_seconds, 7200), banned=True)
        return int(boot() * 1000)

    async def woken_after(seconds: float) -> float:
        nonlocal slept_seconds, banned_until
        clock = ExchangeClock(ask, now=boot)
        keeping = asyncio.create_task(clock.keep())
        await clock.first_round.wait()
        slept_seconds += seconds
        banned_until, woken_at = boot(), loop.time()
        while not clock.is_trustworthy():  # noqa: ASYNC110 - in virtual time
            await asyncio.sleep(0.1)
        keeping.cancel()
        return loop.time() - woken_at

    try:
        assert loop.run_until_complete(woken_after(7200)) <= QUIET_LOOK_SECONDS + 1
    finally:
        loop.close()


async def test_time_is_asked_for_again_after_an_error_nobody_thought_of() -> None:
    asked = 0

    async def ask() -> int:
        nonlocal asked
        asked += 1
        if asked == 1:
            raise AttributeError("unforeseen")
        return 1_000

    clock = ExchangeClock(ask, ClockOptions(retry_first_seconds=0.01))
    keeping = asyncio.create_task(clock.keep())
    await eventually(clock.is_trustworthy)
    keeping.cancel()


def test_a_time_that_is_too_old_once_the_machine_wakes_is_asked_for_at_once() -> None:
    """Its timers stood still meanwhile, and a sale cannot be signed."""
    loop, asleep_seconds = VirtualLoop(), 0.0
    loop.is_busy = lambda: False
    asked: list[float] = []

    async def ask() -> int:
        asked.append(loop.time())
        return int((loop.time() + asleep_seconds) * 1000)

    async def wake() -> None:
        nonlocal asleep_seconds
        clock = ExchangeClock(ask, now=lambda: loop.time() + asleep_seconds)
        keeping = asyncio.create_task(clock.keep())
        await asyncio.sleep(1)
        asleep_seconds = 630.0
        with pytest.raises(ClockUncertainError, match="told its time 631 s ago"):
            clock.now_ms()
        await asyncio.sleep(0.1)
        clock.now_ms()
        keeping.cancel()

    try:
        loop.run_until_complete(wake())
    finally:
        loop.close()

    assert len(asked) == SAMPLES * 2


def test_a_time_that_stays_too_old_is_asked_for_every_few_seconds_and_no_more() -> None:
    loop, ahead_seconds = VirtualLoop(), 0.0
    loop.is_busy = lambda: False
    asked: list[float] = []

    async def ask() -> int:
        asked.append(loop.time())
        if ahead_seconds:
            raise ExchangeUnavailable("no answer")
        return int(loop.time() * 1000)

    async def use() -> None:
        nonlocal ahead_seconds
        clock = ExchangeClock(ask, now=lambda: loop.time() + ahead_seconds)
        keeping = asyncio.create_task(clock.keep())
        await asyncio.sleep(1)
        ahead_seconds = 630.0
        for _ in range(600):
            with suppress(ClockUncertainError):
                clock.now_ms()
            await asyncio.sleep(0.1)
        keeping.cancel()

    try:
        loop.run_until_complete(use())
    finally:
        loop.close()

    # What is asked because it failed, and what is because it is used.
    assert len(asked) - SAMPLES <= 60 / SUSPECTED_SECONDS * 2 + 10
