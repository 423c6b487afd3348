"""The exchange's clock against a simulated exchange that is ahead, steps, dawdles or does not answer."""

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from shared.mexc.errors import ClockUncertainError, ExchangeUnavailable, RateLimited
from shared.mexc.market_data import connect_market_data
from shared.mexc.time.clock_estimate import TrustLimits
from shared.mexc.time.exchange_clock import ClockOptions, ExchangeClock, running_clock
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.waiting import eventually

TIME = "GET /api/v3/time"
QUICK = ClockOptions(every_seconds=0.05, retry_first_seconds=0.01)
SELDOM = ClockOptions(every_seconds=600, retry_first_seconds=600)
STRICT = TrustLimits(uncertainty_ms_max=40)
SLOW_SECONDS = 0.1
BETWEEN_TWO_CLOCKS_MS = 50
"""What a busy machine may take from the reading of one to that of the other."""


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        yield running


@asynccontextmanager
async def clock_of(
    simulator: Simulator, options: ClockOptions, first_seconds: float = 5
) -> AsyncIterator[ExchangeClock]:
    async with (
        connect_market_data(simulator.rest_url) as rest,
        running_clock(rest.server_time, first_seconds_max=first_seconds, options=options) as clock,
    ):
        yield clock


def ahead_ms(clock: ExchangeClock) -> float:
    return clock.now_ms() - time.time() * 1000


@pytest.mark.parametrize("seconds", [0, 5, -5])
async def test_exchange_that_is_ahead_or_behind_is_followed(simulator: Simulator, seconds: int) -> None:
    await simulator.arm("clock_skew", seconds=seconds)
    async with clock_of(simulator, SELDOM) as clock:
        known_to = clock.uncertainty_seconds()
        assert known_to < 1  # A busy machine answers late, and what it says is known less well for that.
        assert ahead_ms(clock) == pytest.approx(seconds * 1000, abs=known_to * 1000 + BETWEEN_TWO_CLOCKS_MS)
        assert clock.ahead_seconds() == pytest.approx(seconds, abs=known_to + 0.001)


async def test_step_of_the_exchanges_clock_is_followed(simulator: Simulator) -> None:
    async with clock_of(simulator, QUICK) as clock:
        await simulator.arm("clock_skew", seconds=5)
        await eventually(lambda: ahead_ms(clock) > 4_900)


async def test_step_of_our_own_clock_moves_nothing(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    async with clock_of(simulator, SELDOM) as clock:
        before = clock.now_ms()
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + 3600)

        assert 0 <= clock.now_ms() - before < 60_000


async def test_slow_answers_leave_the_time_unknown(simulator: Simulator) -> None:
    await simulator.arm("latency", endpoint=TIME, seconds=SLOW_SECONDS, count=None)
    async with clock_of(simulator, replace(SELDOM, trust=STRICT)) as clock:
        with pytest.raises(ClockUncertainError, match=r"uncertain by \d+ ms"):
            clock.now_ms()
        assert not clock.is_trustworthy()


async def test_answers_that_become_slow_do_not_spoil_what_is_known(simulator: Simulator) -> None:
    async with clock_of(simulator, replace(QUICK, trust=STRICT)) as clock:
        asked = (await simulator.requests())[TIME]
        await simulator.arm("latency", endpoint=TIME, seconds=SLOW_SECONDS, count=None)

        async def was_asked_again() -> bool:
            return (await simulator.requests())[TIME] > asked + 10

        await eventually(was_asked_again)
        assert clock.is_trustworthy()


async def test_exchange_that_does_not_answer_is_asked_again_until_it_does(simulator: Simulator) -> None:
    await simulator.arm("http_status", endpoint=TIME, status=503, count=2)
    async with clock_of(simulator, QUICK) as clock:
        assert math.isnan(clock.ahead_seconds())
        assert clock.uncertainty_seconds() == math.inf
        with pytest.raises(ClockUncertainError, match="has not told its time"):
            clock.now_ms()
        await eventually(clock.is_trustworthy)


async def test_doubt_asks_at_once_and_refuses_until_there_is_an_answer(simulator: Simulator) -> None:
    async with clock_of(simulator, SELDOM) as clock:
        await simulator.arm("clock_skew", seconds=5)
        clock.doubt()
        assert not clock.is_trustworthy()

        await eventually(clock.is_trustworthy)
        assert ahead_ms(clock) > 2_500


async def test_time_that_was_told_too_long_ago_is_refused() -> None:
    now = 1000.0

    async def tell() -> int:
        return 1_700_000_000_000

    clock = ExchangeClock(tell, SELDOM, now=lambda: now)
    async with a_round_of(clock):
        assert clock.now_ms() == 1_700_000_000_000
        now += 301
        with pytest.raises(ClockUncertainError, match="301 s ago"):
            clock.now_ms()


async def test_refusal_is_waited_out_even_in_doubt() -> None:
    asked = 0

    async def refuse() -> int:
        nonlocal asked
        asked += 1
        raise RateLimited(600)

    clock = ExchangeClock(refuse, QUICK)
    async with a_round_of(clock):
        clock.doubt()
        for _ in range(20):
            await asyncio.sleep(0)

    assert asked == 1


@pytest.mark.parametrize(("answered", "known"), [(2, False), (3, True)])
async def test_round_that_is_cut_short_counts_with_three_answers(answered: int, known: bool) -> None:
    async def tell() -> int:
        nonlocal answered
        if not answered:
            raise ExchangeUnavailable("cut short")
        answered -= 1
        return 1_700_000_000_000

    clock = ExchangeClock(tell, SELDOM)
    async with a_round_of(clock):
        assert clock.is_trustworthy() is known


@asynccontextmanager
async def a_round_of(clock: ExchangeClock) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        keeping = tasks.create_task(clock.keep())
        await clock.first_round.wait()
        yield
        keeping.cancel()
