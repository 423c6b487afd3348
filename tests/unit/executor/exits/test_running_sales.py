"""Sales that begin, and what keeps one from it: a line that is not free, or an exchange that takes none."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from typing import cast

import pytest

from executor.decisions.exit_evaluator import ExitDecision
from executor.exits.look_interval import SINGLE_BOOKS_MAX
from executor.exits.running_sales import RunningSales
from executor.exits.sale_orders import SaleIntent, SaleOrders
from executor.model.order import ExitReason
from executor.model.position import Sale, WatchedPosition
from executor.pricing.valuation import Quote
from executor.settings import ExecutorSettings
from shared.events import Mode
from shared.mexc.payloads import Level
from tests.support.data.builders import a_listing
from tests.unit.executor.decisions.test_exit_triggers import a_position
from tests.waiting import eventually

HELD = WatchedPosition(a_position(), close_requested=False)
QUOTE = Quote((Level(Decimal(1), Decimal(1000)),), ())


class Lines:
    """A `SaleOrders` whose sales are all refused."""

    modes = (Mode.LIVE,)

    def __init__(self) -> None:
        self.is_free = True
        self.sold: list[SaleIntent] = []

    def has_free_connection(self) -> bool:
        return self.is_free

    async def sell(self, wanted: SaleIntent) -> None:
        self.sold.append(wanted)


async def trades(_: str) -> bool:
    return True


@pytest.fixture
async def tasks() -> AsyncIterator[asyncio.TaskGroup]:
    async with asyncio.TaskGroup() as group:
        yield group


def look(sales: RunningSales, each: WatchedPosition = HELD, reason: ExitReason = ExitReason.STOP_LOSS) -> list[str]:
    """Look at a position that is due, and return what a person should know then."""
    sales.begin_look()
    sales.looked_at(each.name)
    sales.sell(each, ExitDecision(each.position, reason), QUOTE, rules=None, others=Decimal(0))
    objections = list(sales.objections([each], asyncio.get_running_loop().time()))
    sales.forget_all_but({each.name}, {each.name})
    return objections


async def test_what_finds_no_line_is_not_begun_is_told_and_is_begun_once_one_is_free(tasks: asyncio.TaskGroup) -> None:
    lines = Lines()
    sales = RunningSales(cast("SaleOrders", lines), trades, ExecutorSettings(), tasks)
    lines.is_free = False
    told = [look(sales) for _ in range(3)][-1]
    waits = sales.wait_seconds(), sales.left_seconds(HELD.name, asyncio.get_running_loop().time())
    lines.is_free = True
    told_then = look(sales)
    await eventually(lambda: lines.sold)

    assert told == [f"{HELD.name} is to be sold, and every line waits for an answer to another sale"]
    assert waits[0] <= 0.1
    assert (told_then, len(lines.sold)) == ([], 1)


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("not_open: 30000 Trading suspended", "its symbol does not trade"),
        ("risk_control: 30028 no", "the exchange takes no sale of it (risk_control)"),
        ("pair_refused: 26 no", "the exchange takes no sale of it (pair_refused)"),
    ],
)
async def test_a_sale_that_is_held_back_is_told_at_once_in_the_same_words_until_it_is_made(
    tasks: asyncio.TaskGroup, reason: str, told: str
) -> None:
    lines = Lines()
    sales = RunningSales(cast("SaleOrders", lines), trades, ExecutorSettings(), tasks)
    refused = replace(HELD, last_sale=Sale(1, "rejected", reason))
    objections = [look(sales, refused)]

    def is_sold() -> bool:
        objections.append(look(sales, refused))
        return bool(lines.sold)

    await eventually(is_sold)

    sending = replace(HELD, last_sale=Sale(2, "sending"))
    objections.append(list(sales.objections([sending], asyncio.get_running_loop().time())))

    assert {tuple(each) for each in objections} == {(f"{HELD.name} is to be sold, and {told}",)}
    assert look(sales, replace(HELD, last_sale=Sale(2, "filled"))) == []


async def test_what_waits_for_a_line_is_looked_at_in_its_beat_or_when_one_is_free_and_then_a_few_at_a_time(
    tasks: asyncio.TaskGroup,
) -> None:
    lines = Lines()
    sales = RunningSales(cast("SaleOrders", lines), trades, ExecutorSettings(), tasks)
    several = [
        WatchedPosition(a_position(listing=a_listing(occurrence=number)), close_requested=False)
        for number in range(1, 6)
    ]
    names = [each.name for each in several]
    lines.is_free = False
    for each in several:
        sales.sell(each, ExitDecision(each.position, ExitReason.STOP_LOSS), QUOTE, rules=None, others=Decimal(0))

    def woken() -> list[str]:
        sales.begin_look()
        return [name for name in names if sales.is_released(name)]

    now = asyncio.get_running_loop().time()
    assert {sales.left_seconds(name, now) for name in names} == {0.0}
    assert woken() == []
    lines.is_free = True
    assert woken() == names[:SINGLE_BOOKS_MAX]
    for name in names[:SINGLE_BOOKS_MAX]:
        sales.looked_at(name)
    assert woken() == names[SINGLE_BOOKS_MAX:]
    assert any(woken() == [] for _ in range(20))  # No look learned anything of them.


async def test_what_trades_again_is_awaited_until_it_is_tried(tasks: asyncio.TaskGroup) -> None:
    async def passes(_: WatchedPosition, __: Quote) -> bool:
        return True

    lines, loop = Lines(), asyncio.get_running_loop()
    sales = RunningSales(cast("SaleOrders", lines), trades, ExecutorSettings(), tasks, passes)
    refused = replace(HELD, last_sale=Sale(1, "rejected", "not_open: 30000 Trading suspended"))
    look(sales, refused)
    assert not sales.is_awaited(HELD.name, loop.time())
    await eventually(lambda: sales.is_awaited(HELD.name, loop.time()))
    look(sales, refused)
    await eventually(lambda: lines.sold)

    assert not sales.is_awaited(HELD.name, loop.time())
    assert sales.is_awaited(HELD.name, loop.time() + 10)
