"""What the executor does about listings, on the real database, with the exchange played by the test."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from prometheus_client import CollectorRegistry

from executor.exposure_watch import watch_exposure
from executor.handler import BuyListing
from executor.journal import Journal
from executor.metrics import ExecutorMetrics
from executor.order import Miss, Order, Outcome, unavailable
from executor.paper import Fill
from executor.settings import ExecutorSettings
from shared.database import Database
from shared.events import ListingRescheduled, Mode, TradeStatus
from tests.builders import NOON, a_listing
from tests.services import open_database
from tests.waiting import eventually

NOW = NOON + timedelta(seconds=1)
FILL = Fill(base_qty=Decimal(10), cost=Decimal("99.95"), fee=Decimal("0.049975"))


class Exchange:
    """Fills every order, unless told otherwise."""

    def __init__(self) -> None:
        self.placed: list[Order] = []
        self.result: Fill | Miss = FILL
        self.before_answering: Callable[[], Awaitable[None]] = partial(asyncio.sleep, 0)

    async def place(self, order: Order) -> Outcome:
        self.placed.append(order)
        await self.before_answering()
        return Outcome(self.result, NOW + timedelta(milliseconds=30))


class Executor:
    """One executor with an exchange and metrics of its own."""

    def __init__(self, database: Database) -> None:
        self.exchange = Exchange()
        self.registry = CollectorRegistry()
        self.metrics = ExecutorMetrics(self.registry)
        self.journal = Journal(database, ExecutorSettings(), now=lambda: NOW)
        self.buy = BuyListing(self.journal, self.exchange, self.metrics)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"sniper_executor_{name}", labels)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture
def executor(database: Database) -> Executor:
    return Executor(database)


async def test_a_listing_becomes_a_trade(executor: Executor) -> None:
    [trade] = await executor.buy(a_listing())

    assert (trade.mode, trade.status, trade.symbol) == (Mode.DRY_RUN, TradeStatus.FILLED, "ABCUSDT")
    assert (trade.quote_qty, trade.base_qty, trade.latency_ms) == (Decimal("100.00"), Decimal(10), 30)


async def test_the_order_is_committed_before_it_is_placed(database: Database, executor: Executor) -> None:
    states: list[str] = []

    async def look() -> None:
        async with database.connection() as connection:
            states.append(await connection.fetchval("SELECT state FROM orders"))

    executor.exchange.before_answering = look
    await executor.buy(a_listing())

    assert states == ["sending"]


async def test_a_redelivered_listing_gets_the_same_trade_and_no_second_order(executor: Executor) -> None:
    first = await executor.buy(a_listing())

    assert await executor.buy(a_listing()) == first
    assert len(executor.exchange.placed) == 1


async def test_a_redelivered_refusal_is_the_same_refusal(executor: Executor) -> None:
    first = await executor.buy(a_listing(late=True))

    assert await executor.buy(a_listing(late=True)) == first
    assert executor.exchange.placed == []


async def test_an_executor_that_died_between_order_and_answer_finishes_after_its_restart(database: Database) -> None:
    died = Executor(database)

    async def die() -> None:
        raise RuntimeError("killed")

    died.exchange.before_answering = die
    with pytest.raises(RuntimeError):
        await died.buy(a_listing())

    restarted = Executor(database)
    [trade] = await restarted.buy(a_listing())

    assert trade.status is TradeStatus.FILLED
    assert restarted.exchange.placed == died.exchange.placed
    found = await restarted.journal.exposure(Mode.DRY_RUN)
    assert (found.reserved_usdt, found.filled_usdt) == (Decimal(0), Decimal(100))


async def test_two_executors_and_a_hundred_duplicates_tell_one_trade(database: Database) -> None:
    executors = [Executor(database), Executor(database)]

    told = await asyncio.gather(*(executors[number % 2].buy(a_listing()) for number in range(100)))

    assert len({trade.model_dump_json() for [trade] in told}) == 1
    found = await executors[0].journal.exposure(Mode.DRY_RUN)
    assert (found.reserved_usdt, found.filled_usdt) == (Decimal(0), Decimal(100))


async def test_an_exchange_that_is_away_costs_the_trade_and_not_the_position(executor: Executor) -> None:
    executor.exchange.result = unavailable("no answer within 5 s")

    [trade] = await executor.buy(a_listing())

    assert (trade.status, trade.error_reason) == (
        TradeStatus.FAILED,
        "exchange_unavailable: no answer within 5 s",
    )
    found = await executor.journal.exposure(Mode.DRY_RUN)
    assert (found.reserved_usdt, found.filled_usdt) == (Decimal(0), Decimal(0))


async def test_an_injected_listing_does_not_shadow_the_real_one(executor: Executor) -> None:
    injected = a_listing(key="test:ABCUSDT:1", source="test_injection")

    trades = [*await executor.buy(injected), *await executor.buy(a_listing())]

    assert [trade.mode for trade in trades] == [Mode.DRY_RUN, Mode.DRY_RUN]
    assert len({trade.client_order_id for trade in trades}) == 2


async def test_a_moved_opening_buys_nothing(executor: Executor) -> None:
    moved = ListingRescheduled.model_validate(a_listing().model_dump())

    assert await executor.buy(moved) == ()
    assert executor.exchange.placed == []


async def test_decisions_and_orders_are_counted_by_what_came_of_them(executor: Executor) -> None:
    for listing in (a_listing(), a_listing(), a_listing(symbol="OLDUSDT", late=True)):
        await executor.buy(listing)

    assert executor.metric("decisions_total", outcome="buy", reason="") == 1
    assert executor.metric("decisions_total", outcome="repeated", reason="") == 1
    assert executor.metric("decisions_total", outcome="refused", reason="stale_listing") == 1
    assert executor.metric("orders_total", mode="dry-run", status="filled", reason="") == 1
    assert executor.metric("decision_seconds_count") == 3
    assert executor.metric("order_seconds_sum") == pytest.approx(0.030)


async def test_a_reason_is_counted_without_its_details(executor: Executor) -> None:
    executor.exchange.result = unavailable("HTTP 503")

    await executor.buy(a_listing())

    assert executor.metric("orders_total", mode="dry-run", status="failed", reason="exchange_unavailable") == 1


async def test_the_exposure_is_shown(executor: Executor) -> None:
    await executor.buy(a_listing())

    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(watch_exposure(executor.journal, executor.metrics))
        await eventually(lambda: executor.metric("exposure_usdt", mode="dry-run", state="filled") == 100)
        watching.cancel()

    assert executor.metric("exposure_usdt", mode="dry-run", state="reserved") == 0
