"""How often the exchange is asked for its time."""

import asyncio
from contextlib import suppress
from itertools import pairwise

from shared.mexc.errors import ExchangeUnavailable
from shared.mexc.time.exchange_clock import RETRY_SECONDS_MAX, ExchangeClock
from tests.support.fakes.virtual_time import VirtualLoop


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
