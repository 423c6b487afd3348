import asyncio

import pytest

from executor.pace import Pace


class Clock:
    """Stands still, and tells how long somebody meant to wait."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made, asleep = Clock(), asyncio.sleep

    async def sleep(seconds: float) -> None:
        made.now += seconds
        await asleep(0)

    monkeypatch.setattr("executor.pace.asyncio.sleep", sleep)
    return made


async def begun(pace: Pace, clock: Clock, count: int) -> list[float]:
    moments = []
    for _ in range(count):
        await pace.turn()
        moments.append(clock.now)
    return moments


async def test_so_many_begin_at_once_and_the_next_a_second_after_the_first(clock: Clock) -> None:
    assert await begun(Pace(3, clock), clock, 7) == [100, 100, 100, 101, 101, 101, 102]


async def test_no_second_holds_more_wherever_it_begins(clock: Clock) -> None:
    pace, moments = Pace(3, clock), []
    for gap in (0, 0.9, 0, 0.2, 0, 0, 0.5, 0, 0, 0):
        clock.now += gap
        moments += await begun(pace, clock, 1)

    assert all(later - earlier >= 1 for earlier, later in zip(moments, moments[3:], strict=False))


async def test_nothing_begins_while_quiet_was_asked_for_and_the_longest_counts(clock: Clock) -> None:
    pace = Pace(3, clock)
    pace.quiet_for(5)
    pace.quiet_for(2)

    assert await begun(pace, clock, 2) == [105, 105]


async def test_those_who_wait_go_in_the_order_in_which_they_came(clock: Clock) -> None:
    pace, order = Pace(1, clock), []

    async def take(number: int) -> None:
        await pace.turn()
        order.append(number)

    await asyncio.gather(*(take(number) for number in range(5)))

    assert order == [0, 1, 2, 3, 4]
