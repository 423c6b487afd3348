"""Orders that found their symbol closed when their executor was asked to stop: the next one tries at once."""

import asyncio
from decimal import Decimal

import pytest

from api.operator import settle_requests
from executor.journal.order_row import order_of
from executor.model.order import Order
from executor.model.order_state import OrderEvent, OrderState, OrderUpdate
from executor.model.reasons import Reason, Refusal
from executor.pricing.credible_fills import credible_quantity
from executor.venues.venue import Way
from shared.events import Listing, Mode
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import OrderBook
from shared.postgres.database import Database
from tests.support.fakes.venues import Behaviour, ModelExchange
from tests.support.running.executors import Crash, Executor, Failpoints, Time, a_coin, configure
from tests.waiting import eventually


async def stopped_while_closed(executor: Executor, exchange: ModelExchange, listing: Listing) -> None:
    """Let *listing* be closed at the first attempts to buy it, and the executor stop among them."""
    exchange.otherwise = Behaviour.NOT_OPEN
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(executor.buy(listing))
        await eventually(lambda: len(exchange.received) >= 2)
        executor.stopping.set()
    exchange.otherwise = Behaviour.FILL


@pytest.mark.parametrize("is_told", [True, False], ids=["opening told", "opening not told"])
async def test_the_next_executor_buys_what_opened_meanwhile_and_is_fresh(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time, *, is_told: bool
) -> None:
    await configure(database, "auto_trade = true")
    listing = a_coin("NEW", time, opens_at=time() if is_told else None)
    await stopped_while_closed(executor, exchange, listing)
    [left] = await executor.rows()
    stake = await executor.stake(Mode.LIVE)

    time.pass_by(10)
    successor = Executor(database, exchange, time)
    await successor.fire_due()
    await successor.resolve()

    assert (left["state"], left["error_reason"]) == (OrderState.ARMED, "interrupted")
    assert stake.reserved_usdt == 0
    [row] = await successor.rows()
    assert row["state"] == OrderState.FILLED
    assert len(exchange.entries) == 1


async def test_what_is_too_old_when_the_next_executor_comes_expires(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    await stopped_while_closed(executor, exchange, a_coin("NEW", time))
    asked = len(exchange.received)

    time.pass_by(61)
    successor = Executor(database, exchange, time)
    await successor.fire_due()

    [row] = await successor.rows()
    assert (row["state"], row["error_reason"].partition(":")[0]) == (OrderState.EXPIRED, "opening_passed")
    assert len(exchange.received) == asked


async def test_an_order_that_waits_for_a_price_is_left_to_the_next_executor(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    await configure(database, "auto_trade = true")
    looks: list[str] = []

    async def empty(symbol: str, limit: int) -> OrderBook:
        looks.append(symbol)
        return OrderBook(bids=(), asks=())

    with monkeypatch.context() as closed:
        closed.setattr(exchange, "depth", empty)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(executor.buy(a_coin("NEW", time, price=None)))
            await eventually(lambda: len(looks) >= 2)
            executor.stopping.set()
    [left] = await executor.rows()
    successor = Executor(database, exchange, time)
    await successor.fire_due()
    await successor.resolve()

    assert (left["state"], left["error_reason"]) == (OrderState.ARMED, "interrupted")
    [row] = await successor.rows()
    assert (row["state"], len(exchange.received)) == (OrderState.FILLED, 1)


async def test_a_wait_that_is_recorded_twice_does_nothing_to_the_firing_in_between(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    order = (await executor.decide(a_coin("NEW", time))).order
    assert order is not None
    waits = OrderUpdate(OrderEvent.POSTPONED, Refusal(Reason.INTERRUPTED), fires_again=True)
    first = await executor.books.record(order, waits)
    shown = await executor.rows()
    again: list[Order | None] = []

    async def repeat(_: Order, __: OrderRequest) -> None:
        """The answer to the first commit was lost, so the step is taken once more."""
        again.append(await executor.books.record(order, waits))

    exchange.on_request = repeat
    successor = Executor(database, exchange, time)
    await successor.fire_due()
    await successor.resolve()

    assert (first is not None, again) == (True, [None])
    assert [(row["state"], row["quote_qty"]) for row in shown] == [(OrderState.ARMED, 0)]
    [row] = await successor.rows()
    assert (row["state"], len(exchange.entries)) == (OrderState.FILLED, 1)
    assert (await successor.stake(Mode.LIVE)).reserved_usdt == 0


@pytest.mark.parametrize(
    ("ends", "why"),
    [("auto_trade = false", "auto_trade is off"), ("auto_trade_until = '2026-03-02 11:59:59Z'", "auto_trade ended at")],
)
async def test_an_order_that_is_tried_again_is_not_written_once_live_trading_has_ended(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time, ends: str, why: str
) -> None:
    await configure(database, "auto_trade = true")
    exchange.script.append(Behaviour.NOT_OPEN)

    async def end(_: Order, __: OrderRequest) -> None:
        await configure(database, ends)
        await executor.look_for_halts()

    exchange.on_request = end
    await executor.buy(a_coin("NEW", time))

    [row] = await executor.rows()
    assert (row["state"], row["error_reason"].partition(":")[0]) == (OrderState.REJECTED, "not_live")
    assert why in row["error_reason"]
    assert exchange.entries == []


async def test_what_was_asked_for_at_the_first_firing_says_nothing_of_the_second(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    await stopped_while_closed(executor, exchange, a_coin("NEW", time, price=None))
    [waiting] = await executor.rows()
    exchange.price /= 5
    dies = Executor(database, exchange, time, failpoint=Failpoints("after_write"))
    with pytest.raises(Crash):
        await dies.fire_due()

    [row] = await executor.rows()
    [entry] = exchange.entries
    assert entry.fill is not None
    assert (row["state"], row["attempt"], row["error_reason"]) == (OrderState.SENDING, 1, None)
    assert Decimal(waiting["request"]["quantity"]) * 2 < entry.fill.base_qty
    assert waiting["price_max"] is not None
    assert (row["request"], row["price_max"]) == (None, None)
    assert credible_quantity(order_of(row), entry.fill.base_qty) == entry.fill.base_qty
    time.pass_by(90)
    exchange.hidden_from.update(Way)
    await Executor(database, exchange, time).resolve()
    outcome = settle_requests.Outcome(entry.fill.base_qty, entry.fill.cost)
    await settle_requests.request(
        database, row["client_order_id"], outcome, reason="seen on the website", requested_by="test"
    )
