"""A symbol that does not trade is asked about rarely, and no second sale finds out the same."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import pairwise

import pytest

from executor.exits.suspensions import Suspensions
from executor.model.position import Sale, WatchedPosition
from executor.pricing.valuation import Quote
from shared.events import Mode
from shared.mexc.errors import ClockUncertainError, ExchangeUnavailable
from shared.mexc.payloads import Level
from tests.support.fakes.virtual_time import VirtualLoop
from tests.unit.executor.decisions.test_exit_triggers import a_position
from tests.waiting import eventually

REFUSED = Sale(1, "expired", "not_open: 30000 Trading suspended for the symbol")
STILL = Quote((Level(Decimal(1), Decimal(1)),), ())
MOVED = Quote((Level(Decimal(2), Decimal(1)),), ())


class Symbols:
    """An exchange that says whether a symbol trades."""

    def __init__(self) -> None:
        self.trades, self.away, self.asked = False, False, 0

    async def can_be_sold(self, _: str) -> bool:
        self.asked += 1
        if self.away:
            raise ExchangeUnavailable("away")
        return self.trades


@pytest.fixture
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    async with asyncio.TaskGroup() as group:
        yield group


def held(sale: Sale | None) -> WatchedPosition:
    return WatchedPosition(a_position(), close_requested=False, last_sale=sale)


def released(suspensions: Suspensions, each: WatchedPosition) -> bool:
    return not suspensions.hold(each, MOVED)


async def test_a_position_whose_sales_found_trading_is_not_held_back(tasks: asyncio.TaskGroup) -> None:
    symbols = Symbols()
    suspensions = Suspensions(symbols.can_be_sold, 60, tasks)

    assert not suspensions.hold(held(None), STILL)
    assert not suspensions.hold(held(Sale(1, "rejected", "insufficient_balance: 30005")), STILL)
    assert symbols.asked == 0


async def test_a_suspended_one_is_held_back_and_asked_about_once_while_its_book_stands_still(
    tasks: asyncio.TaskGroup,
) -> None:
    symbols = Symbols()
    suspensions = Suspensions(symbols.can_be_sold, 60, tasks)
    for _ in range(20):
        assert suspensions.hold(held(REFUSED), STILL)
        await asyncio.sleep(0)

    assert symbols.asked == 1
    assert suspensions.held() == ["ABCUSDT:1 live"]


async def test_it_is_released_when_it_trades_again(tasks: asyncio.TaskGroup) -> None:
    symbols = Symbols()
    suspensions = Suspensions(symbols.can_be_sold, 0.01, tasks)
    await eventually(lambda: suspensions.hold(held(REFUSED), STILL) and symbols.asked > 0)
    symbols.trades = True

    await eventually(lambda: not suspensions.hold(held(REFUSED), STILL))
    assert suspensions.held() == []


async def test_an_exchange_that_does_not_answer_keeps_no_sale_waiting(tasks: asyncio.TaskGroup) -> None:
    symbols = Symbols()
    symbols.away = True
    suspensions = Suspensions(symbols.can_be_sold, 60, tasks)

    assert suspensions.hold(held(REFUSED), STILL)
    await eventually(lambda: not suspensions.hold(held(REFUSED), STILL))
    assert symbols.asked == 1


async def test_where_the_status_says_that_it_trades_sales_are_tried_soon_and_then_less_and_less_often(
    tasks: asyncio.TaskGroup,
) -> None:
    symbols = Symbols()
    symbols.trades = True
    suspensions = Suspensions(symbols.can_be_sold, 60, tasks)
    await eventually(lambda: not suspensions.hold(held(REFUSED), STILL))
    waits = []
    for sequence in (2, 3, 4):
        began = asyncio.get_running_loop().time()
        again = held(replace(REFUSED, sequence=sequence))
        await eventually(partial(released, suspensions, again))
        waits.append(asyncio.get_running_loop().time() - began)

    assert all(wait >= least for wait, least in zip(waits, (0.5, 1.0, 1.5), strict=True)), waits
    assert symbols.asked == 1


class Checks:
    """An exchange that checks orders without placing them."""

    def __init__(self, *answers: bool | Exception | None) -> None:
        self.answers, self.asked = list(answers), 0

    async def passes(self, _: WatchedPosition, __: Quote) -> bool | None:
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else False
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_a_test_of_a_sale_releases_a_suspended_one_long_before_its_status_is_asked_for_again(
    tasks: asyncio.TaskGroup,
) -> None:
    symbols, tests = Symbols(), Checks(False, None, ExchangeUnavailable("away"), ClockUncertainError("unknown"), True)
    suspensions = Suspensions(symbols.can_be_sold, 60, tasks, tests.passes)
    await eventually(lambda: not suspensions.hold(held(REFUSED), STILL))

    assert (symbols.asked, tests.asked) == (1, 5)
    assert suspensions.is_released("ABCUSDT:1 live")
    assert suspensions.refused() == {"ABCUSDT:1 live": "not_open"}
    assert suspensions.held() == []


async def test_where_tests_are_made_a_book_that_moves_is_no_reason_for_the_dear_question(
    tasks: asyncio.TaskGroup,
) -> None:
    symbols, tests = Symbols(), Checks()
    suspensions, count = Suspensions(symbols.can_be_sold, 60, tasks, tests.passes), 0

    async def moved() -> bool:
        nonlocal count
        count += 1
        suspensions.hold(held(REFUSED), Quote((Level(Decimal(count), Decimal(1)),), ()))
        return tests.asked >= 3

    await eventually(moved)

    assert symbols.asked == 0


async def test_while_tests_tell_the_dear_question_has_time(tasks: asyncio.TaskGroup) -> None:
    symbols, tests = Symbols(), Checks()
    suspensions = Suspensions(symbols.can_be_sold, 1.0, tasks, tests.passes)
    await eventually(lambda: suspensions.hold(held(REFUSED), STILL) and symbols.asked == 1)

    assert tests.asked >= 2


async def test_a_test_waits_for_no_look(tasks: asyncio.TaskGroup) -> None:
    symbols, tests = Symbols(), Checks(False, True)
    suspensions = Suspensions(symbols.can_be_sold, 60, tasks, tests.passes)
    suspensions.test_again(held(REFUSED))
    assert suspensions.hold(held(REFUSED), STILL)

    def is_released() -> bool:
        suspensions.test_again(held(REFUSED))
        return suspensions.is_released("ABCUSDT:1 live")

    await eventually(is_released)
    assert tests.asked == 2
    suspensions.test_again(held(REFUSED))
    suspensions.forget_all_but(["ABCUSDT:1 live"], [])
    suspensions.test_again(held(replace(REFUSED, sequence=2)))
    await asyncio.sleep(0)
    assert tests.asked == 2


async def test_a_test_that_passed_before_a_sale_that_found_no_trading_is_not_believed_again(
    tasks: asyncio.TaskGroup,
) -> None:
    symbols, tests = Symbols(), Checks(True, True, True)
    suspensions = Suspensions(symbols.can_be_sold, 0.05, tasks, tests.passes)
    await eventually(lambda: not suspensions.hold(held(REFUSED), STILL))
    again = held(replace(REFUSED, sequence=2))
    await eventually(lambda: suspensions.hold(again, STILL) and symbols.asked > 3 and tests.asked > 1)
    symbols.trades = True
    await eventually(lambda: not suspensions.hold(again, STILL))


async def test_a_test_is_believed_again_once_it_has_found_no_trading(tasks: asyncio.TaskGroup) -> None:
    symbols, tests = Symbols(), Checks(True, False, True)
    suspensions = Suspensions(symbols.can_be_sold, 60, tasks, tests.passes)
    await eventually(lambda: not suspensions.hold(held(REFUSED), STILL))
    again = held(replace(REFUSED, sequence=2))
    await eventually(lambda: not suspensions.hold(again, STILL))

    assert (symbols.asked, tests.asked) == (1, 3)


async def test_one_on_paper_is_not_tested(tasks: asyncio.TaskGroup) -> None:
    symbols, tests = Symbols(), Checks(True)
    suspensions = Suspensions(symbols.can_be_sold, 0.05, tasks, tests.passes)
    on_paper = replace(held(REFUSED), position=replace(a_position(), mode=Mode.DRY_RUN))
    await eventually(lambda: suspensions.hold(on_paper, STILL) and symbols.asked > 3)

    assert tests.asked == 0


async def test_one_that_trades_by_its_status_is_tested_before_another_sale_of_it(tasks: asyncio.TaskGroup) -> None:
    symbols, tests = Symbols(), Checks(False, False)
    symbols.trades = True
    suspensions = Suspensions(symbols.can_be_sold, 60, tasks, tests.passes)
    await eventually(lambda: suspensions.hold(held(REFUSED), STILL) and tests.asked == 2)

    assert suspensions.held() == list(suspensions.refused()) == ["ABCUSDT:1 live"]

    tests.answers.append(True)
    await eventually(lambda: not suspensions.hold(held(REFUSED), STILL))

    assert suspensions.held() == []


async def test_a_position_is_told_until_its_sale_found_trading_or_it_is_not_to_be_sold_any_more(
    tasks: asyncio.TaskGroup,
) -> None:
    symbols = Symbols()
    suspensions = Suspensions(symbols.can_be_sold, 60, tasks)
    names = {"ABCUSDT:1 live"}
    told = [suspensions.hold(held(REFUSED), STILL), suspensions.refused()]
    suspensions.forget_all_but(names, names)
    told.append(suspensions.refused())
    suspensions.forget_all_but(names, set())
    told.append(suspensions.refused())
    suspensions.hold(held(REFUSED), STILL)
    suspensions.hold(held(Sale(2, "filled")), STILL)

    why = {"ABCUSDT:1 live": "not_open"}
    assert [*told, suspensions.refused()] == [True, why, why, {}, {}]


@pytest.mark.timeout(30)
def test_no_sale_waits_for_longer_than_a_second_and_a_half_at_first_then_five_and_half_a_minute_in_the_end() -> None:
    """Of a symbol that trades by its status and by every test, while every sale is refused for hours."""
    symbols, tests = Symbols(), Checks(*[True] * 10_000)
    symbols.trades = True
    loop = VirtualLoop()
    loop.is_busy = lambda: False

    async def tried_at() -> list[float]:
        async with asyncio.TaskGroup() as group:
            suspensions, moments = Suspensions(symbols.can_be_sold, 10, group, tests.passes), [loop.time()]
            while loop.time() - moments[0] < 2_000:
                await asyncio.sleep(0.05)
                if not suspensions.hold(held(replace(REFUSED, sequence=len(moments))), STILL):
                    moments.append(loop.time())
        return moments

    try:
        moments = loop.run_until_complete(tried_at())
    finally:
        loop.close()
    waits = [(after - moments[0], after - before) for before, after in pairwise(moments)]

    assert max(wait for moment, wait in waits if moment < 30) < 1.6
    assert max(wait for moment, wait in waits if moment < 600) < 5.1
    assert max(wait for _, wait in waits) < 30.1
    assert waits[-1][1] > 29
    assert symbols.asked <= 201


def first_try(*, tests: Checks | None, away_after: int | None = None) -> float:
    """Return after how many seconds a sale is tried of a symbol that is closed by its status for ever."""
    symbols, loop = Symbols(), VirtualLoop()
    loop.is_busy = lambda: False

    async def waited() -> float:
        async with asyncio.TaskGroup() as group:
            suspensions = Suspensions(symbols.can_be_sold, 10, group, None if tests is None else tests.passes)
            began = loop.time()
            while suspensions.hold(held(REFUSED), STILL) and loop.time() - began < 300:
                await asyncio.sleep(0.05)
                symbols.away = away_after is not None and symbols.asked >= away_after
        return loop.time() - began

    try:
        return loop.run_until_complete(waited())
    finally:
        loop.close()


@pytest.mark.parametrize("answers", [None, [None] * 1_000, [False] * 1_000, [ExchangeUnavailable("away")] * 1_000])
def test_a_status_of_closed_is_believed_for_no_longer_than_half_a_minute(answers: list[bool | None] | None) -> None:
    assert 29 < first_try(tests=None if answers is None else Checks(*answers)) < 30.5


def test_a_status_of_closed_is_not_believed_any_more_once_it_cannot_be_read_again() -> None:
    assert 9 < first_try(tests=None, away_after=1) < 13


async def test_a_test_that_is_answered_after_the_sale_left_proves_nothing_of_it(tasks: asyncio.TaskGroup) -> None:
    symbols, answered, asked = Symbols(), asyncio.Event(), 0

    async def passes(_: WatchedPosition, __: Quote) -> bool:
        nonlocal asked
        asked += 1
        await answered.wait()
        return True

    suspensions = Suspensions(symbols.can_be_sold, 0.05, tasks, passes)
    await eventually(lambda: suspensions.hold(held(REFUSED), STILL) and symbols.asked > 0)
    symbols.trades = True
    await eventually(lambda: not suspensions.hold(held(REFUSED), STILL))
    symbols.trades = False
    answered.set()
    await asyncio.sleep(0)
    again = held(replace(REFUSED, sequence=2))
    await eventually(lambda: not suspensions.hold(again, STILL), within_seconds=5)

    assert asked == 2
