import asyncio

import pytest

from executor.rate_limits.order_slots import OrderSlots
from executor.rate_limits.rate_budget import RateBudget, RateLimits
from executor.rate_limits.rate_limiter import RateLimiter
from shared.events import Side
from tests.support.fakes.limiters import Clock, metrics

MANY = 10_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_pace(clock: Clock, per_second: int = 3, at_once: int = 100, sales_at_once: int = 100) -> OrderSlots:
    limits = RateLimits(MANY, MANY, MANY, MANY, orders=per_second)
    limiter = RateLimiter(RateBudget(limits), metrics(), now=clock, call_later=clock.call_later)
    return OrderSlots(limiter, at_once={Side.BUY: at_once, Side.SELL: sales_at_once})


async def take(
    pace: OrderSlots, seconds_max: float = 1000, stop: asyncio.Event | None = None, side: Side = Side.BUY
) -> bool:
    async with pace.slot(side, seconds_max=seconds_max, stop=stop or asyncio.Event()) as may_begin:
        return may_begin


async def begun(pace: OrderSlots, clock: Clock, count: int) -> list[float]:
    moments = []
    for _ in range(count):
        assert await clock.during(take(pace))
        moments.append(clock.now)
    return moments


async def test_so_many_begin_at_once_and_the_next_a_second_after_the_first(clock: Clock) -> None:
    assert await begun(a_pace(clock), clock, 7) == [100, 100, 100, 101, 101, 101, 102]


async def test_no_second_holds_more_wherever_it_begins(clock: Clock) -> None:
    pace, moments = a_pace(clock), []
    for gap in (0, 0.9, 0, 0.2, 0, 0, 0.5, 0, 0, 0):
        clock.now += gap
        moments += await begun(pace, clock, 1)

    assert all(later - earlier >= 1 for earlier, later in zip(moments, moments[3:], strict=False))


async def test_nothing_begins_while_quiet_was_asked_for_and_the_longest_counts(clock: Clock) -> None:
    pace = a_pace(clock)
    pace.quiet_for(5, banned=False)
    pace.quiet_for(2, banned=False)

    assert await begun(pace, clock, 2) == [105, 105]
    assert pace.banned_seconds() == 0


async def test_who_has_no_time_for_the_quiet_is_told_at_once_and_counts_for_nothing(clock: Clock) -> None:
    pace = a_pace(clock, per_second=1)
    pace.quiet_for(5, banned=True)

    assert not await clock.during(take(pace, seconds_max=4.9))
    assert (clock.now, pace.banned_seconds()) == (100, 5)
    assert await clock.during(take(pace, seconds_max=5))
    assert (clock.now, pace.banned_seconds()) == (105, 0)


async def test_a_quiet_that_begins_while_one_waits_sends_away_who_has_no_time_for_it(clock: Clock) -> None:
    pace = a_pace(clock, per_second=1)
    await take(pace)
    waiting = asyncio.create_task(take(pace, seconds_max=4))
    await asyncio.sleep(0)

    pace.quiet_for(5, banned=False)

    assert not await waiting
    assert clock.now == 100


async def test_a_stop_ends_the_wait_for_the_end_of_the_quiet(clock: Clock) -> None:
    pace, stop = a_pace(clock), asyncio.Event()
    pace.quiet_for(5, banned=False)
    stop.set()

    assert not await take(pace, stop=stop)


async def test_a_stop_does_not_end_the_wait_for_a_turn(clock: Clock) -> None:
    pace, stop = a_pace(clock, per_second=1), asyncio.Event()
    await take(pace)
    stop.set()

    assert await clock.during(take(pace, stop=stop))
    assert clock.now == 101


async def test_those_who_wait_go_in_the_order_in_which_they_came(clock: Clock) -> None:
    pace, order = a_pace(clock, per_second=1), []

    async def wait(number: int) -> None:
        await take(pace)
        order.append(number)

    async def all_of_them() -> None:
        await asyncio.gather(*(wait(number) for number in range(5)))

    await clock.during(all_of_them())

    assert order == [0, 1, 2, 3, 4]


async def test_a_sale_goes_before_every_purchase_that_waits(clock: Clock) -> None:
    pace, order = a_pace(clock, per_second=1), []

    async def wait(side: Side) -> None:
        await take(pace, side=side)
        order.append(side)

    async def all_of_them() -> None:
        await asyncio.gather(*(wait(side) for side in [Side.BUY] * 4 + [Side.SELL]))

    await clock.during(all_of_them())

    assert order == [Side.BUY, Side.SELL, Side.BUY, Side.BUY, Side.BUY]


async def test_only_so_many_are_under_way_at_once(clock: Clock) -> None:
    pace, under_way, most = a_pace(clock, per_second=100, at_once=3), 0, 0

    async def send() -> None:
        nonlocal under_way, most
        async with pace.slot(Side.BUY, seconds_max=10, stop=asyncio.Event()):
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(send() for _ in range(10)))

    assert most == 3


async def test_purchases_that_hang_take_no_turn_from_a_sale(clock: Clock) -> None:
    pace, answered = a_pace(clock, per_second=100, at_once=3, sales_at_once=1), asyncio.Event()

    async def hang() -> None:
        async with pace.slot(Side.BUY, seconds_max=10, stop=asyncio.Event()):
            await answered.wait()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(6):
            tasks.create_task(hang())
        await asyncio.sleep(0)
        assert await take(pace, side=Side.SELL)
        answered.set()


async def test_who_finds_no_line_in_its_time_gets_no_turn_and_takes_none_from_others(clock: Clock) -> None:
    pace, answered = a_pace(clock, per_second=100, sales_at_once=1), asyncio.Event()

    async def hang() -> None:
        async with pace.slot(Side.SELL, seconds_max=10, stop=asyncio.Event()):
            await answered.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(hang())
        await asyncio.sleep(0)
        found = [pace.has_free_connection(Side.SELL), await take(pace, seconds_max=0.01, side=Side.SELL)]
        answered.set()

    assert found == [False, False]
    assert pace.has_free_connection(Side.SELL)
    assert await take(pace, side=Side.SELL)
