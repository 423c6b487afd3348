"""Durations are monotonic and moments the exchange's: the wall clock decides nothing."""

from datetime import timedelta

import pytest

from shared.mexc.errors import ClockUncertainError
from shared.mexc.time.exchange_clock import FOLLOWED_SECONDS
from tests.support.data.builders import NOON
from tests.support.fakes.clocks import Clocks

EXACT = timedelta(milliseconds=1)


@pytest.mark.parametrize("ahead_seconds", [-3600, -3, 1.5, 3, 3600])
async def test_a_wall_clock_that_is_apart_from_the_exchanges_changes_nothing(ahead_seconds: float) -> None:
    clocks = Clocks(wall_ahead_seconds=ahead_seconds)

    await clocks.learn()
    clocks.pass_by(12.5)

    assert abs(clocks() - (NOON + timedelta(seconds=12.5))) <= EXACT


@pytest.mark.parametrize("step_seconds", [-3600, -30, 30, 3600])
@pytest.mark.parametrize("exchange_known", [True, False])
async def test_a_wall_clock_that_is_set_moves_no_moment(step_seconds: float, exchange_known: bool) -> None:
    clocks = Clocks()
    if exchange_known:
        await clocks.learn()
    before = clocks()

    clocks.set_wall(step_seconds)
    clocks.pass_by(1)

    assert abs(clocks() - before - timedelta(seconds=1)) <= EXACT


async def test_the_wall_clock_stands_in_until_the_exchange_has_told_its_time() -> None:
    clocks = Clocks(wall_ahead_seconds=7)
    stood_in = clocks()
    await clocks.learn()

    assert abs(stood_in - NOON - timedelta(seconds=7)) <= EXACT
    assert abs(clocks() - NOON) <= EXACT


async def test_the_exchanges_time_counts_also_when_it_is_too_old_to_sign_by() -> None:
    clocks = Clocks(wall_ahead_seconds=7)
    await clocks.learn()
    clocks.pass_by(3600)

    with pytest.raises(ClockUncertainError):
        clocks.exchange.now_ms()
    assert abs(clocks() - clocks.exchange_now()) <= EXACT


async def test_the_exchanges_time_counts_also_when_it_is_doubted() -> None:
    clocks = Clocks(wall_ahead_seconds=7)
    await clocks.learn()
    clocks.exchange.doubt()

    with pytest.raises(ClockUncertainError):
        clocks.exchange.now_ms()
    assert abs(clocks() - clocks.exchange_now()) <= EXACT


@pytest.mark.parametrize("step_seconds", [-3600, -5, 5, 3600])
async def test_a_step_of_the_exchanges_clock_is_followed_once_it_has_stood(step_seconds: float) -> None:
    clocks = Clocks()
    await clocks.learn()
    clocks.set_exchange(step_seconds)
    await clocks.learn()
    before = clocks()
    clocks.pass_by(FOLLOWED_SECONDS - 1)
    carried_on = clocks()
    clocks.pass_by(2)

    assert abs(before - NOON) <= EXACT
    assert abs(carried_on - before - timedelta(seconds=FOLLOWED_SECONDS - 1)) <= EXACT
    assert abs(clocks() - clocks.exchange_now()) <= EXACT


async def test_a_step_that_is_taken_back_is_never_followed() -> None:
    clocks = Clocks()
    await clocks.learn()
    for step_seconds in (3600, -3600):
        clocks.set_exchange(step_seconds)
        await clocks.learn()
        clocks()
        clocks.pass_by(FOLLOWED_SECONDS - 1)

    assert abs(clocks() - clocks.exchange_now()) <= EXACT


async def test_a_better_estimate_counts_at_once() -> None:
    clocks = Clocks()
    await clocks.learn()
    clocks.set_exchange(0.3)
    await clocks.learn()

    assert abs(clocks() - clocks.exchange_now()) <= EXACT


async def test_a_first_estimate_that_was_far_off_is_mended_at_once() -> None:
    clocks = Clocks(wall_ahead_seconds=7)
    clocks.answer_seconds = 8.0
    await clocks.learn()
    off = abs(clocks() - clocks.exchange_now())
    clocks.answer_seconds = 0.0
    await clocks.learn()

    assert off >= timedelta(seconds=3)
    assert abs(clocks() - clocks.exchange_now()) <= EXACT
