"""How often the exchange is asked for its time."""

import asyncio
from contextlib import suppress
from itertools import pairwise

from shared.mexc.errors import QUIET_LOOK_SECONDS, ExchangeUnavailable, RateLimited
from shared.mexc.time.exchange_clock import RETRY_SECONDS_MAX, ClockOptions, ExchangeClock
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
