import asyncio

import pytest

from executor.pace import Pace


class Clock:
    """Stands still, and goes on by as much as somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made, asleep = Clock(), asyncio.sleep

    async def sleep(seconds: float, *_: object) -> None:
        made.now += seconds
        await asleep(0)

    monkeypatch.setattr("executor.pace.asyncio.sleep", sleep)
    monkeypatch.setattr("executor.pace.pause", sleep)
    return made


def a_pace(clock: Clock, per_second: int = 3, at_once: int = 100) -> Pace:
    return Pace(per_second, at_once=at_once, now=clock)


async def take(pace: Pace, seconds_max: float = 1000, stop: asyncio.Event | None = None) -> bool:
    async with pace.turn(seconds_max=seconds_max, stop=stop or asyncio.Event()) as may_begin:
        return may_begin


async def begun(pace: Pace, clock: Clock, count: int) -> list[float]:
    moments = []
    for _ in range(count):
        assert await take(pace)
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

    assert not await take(pace, seconds_max=4.9)
    assert (clock.now, pace.banned_seconds()) == (100, 5)
    assert await take(pace, seconds_max=5)
    assert (clock.now, pace.banned_seconds()) == (105, 0)


async def test_a_stop_ends_the_wait_for_the_end_of_the_quiet(clock: Clock) -> None:
    pace, stop = a_pace(clock), asyncio.Event()
    pace.quiet_for(5, banned=False)
    stop.set()

    assert not await take(pace, stop=stop)


async def test_those_who_wait_go_in_the_order_in_which_they_came(clock: Clock) -> None:
    pace, order = a_pace(clock, per_second=1), []

    async def wait(number: int) -> None:
        await take(pace)
        order.append(number)

    await asyncio.gather(*(wait(number) for number in range(5)))

    assert order == [0, 1, 2, 3, 4]


async def test_only_so_many_are_under_way_at_once(clock: Clock) -> None:
    pace, under_way, most = a_pace(clock, per_second=100, at_once=3), 0, 0

    async def send() -> None:
        nonlocal under_way, most
        async with pace.turn(seconds_max=10, stop=asyncio.Event()):
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1

    await asyncio.gather(*(send() for _ in range(10)))

    assert most == 3
