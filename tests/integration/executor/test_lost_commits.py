"""A database that lost commits which it had confirmed, as a failover to a standby that lagged behind leaves it."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from executor.halts.halt_causes import HaltCause
from executor.journal.held_positions import held
from executor.model import ExitReason, Order
from executor.settings import ExecutorSettings
from shared.events import Listing, Mode
from shared.mexc.orders.order_api import OrderRequest
from shared.postgres.database import Database
from tests.support.fakes.venues import Behaviour, ModelExchange
from tests.support.running.executors import Executor, Time, a_coin, configure

ROW_BACK = """
UPDATE orders SET state = 'armed', quote_qty = 0, decided_at = $2, send_until = $3, config = $4, request = NULL
WHERE client_order_id = $1
"""
EXPOSURE_BACK = """
UPDATE exposure SET reserved_usdt = 0, recent_orders = '{}', day_orders = 0, day_spent_usdt = 0 WHERE mode = 'live'
"""


@pytest.fixture
async def live(database: Database, executor: Executor) -> Executor:
    await configure(database, "auto_trade = true")
    return executor


async def armed(executor: Executor, listing: Listing) -> Mapping[str, Any]:
    """Let an order wait for the opening of *listing*; return its row."""
    await executor.handle(listing)
    [row] = await executor.rows()
    assert row["state"] == "armed"
    return dict(row)


def opening(time: Time) -> Listing:
    return a_coin("NEW", time, opens_at=time() + timedelta(seconds=10))


async def forget_firing(executor: Executor, waiting: Mapping[str, Any]) -> None:
    """Take the commit back that fired the order which was *waiting*."""
    async with executor.database.connection() as connection:
        values = (waiting["decided_at"], waiting["send_until"], waiting["config"])
        await connection.execute(ROW_BACK, waiting["client_order_id"], *values)
        await connection.execute(EXPOSURE_BACK)


async def test_an_order_whose_firing_the_database_lost_is_not_sent_again_and_purchases_halt(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    waiting = await armed(live, opening(time))

    async def lose(*_: object) -> None:
        await forget_firing(live, waiting)

    exchange.on_request = lose
    time.pass_by(9.8)
    await live.fire_due()
    exchange.on_request = None
    await live.fire_due()

    assert len(exchange.received) == 1
    assert live.latched == [HaltCause.JOURNAL]
    assert live.halts.buys_halted(Mode.LIVE).startswith("journal: ")
    await live.resolve()
    [row] = await live.rows()
    assert row["state"] == "filled"
    assert [each.position.symbol for each in await held(live.database)] == ["NEWUSDT"]


async def test_an_order_that_fires_again_while_its_first_answer_is_on_its_way_is_looked_up_instead(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    waiting = await armed(live, opening(time))
    [order] = await live.schedule.armed()

    async def lose_and_fire(*_: object) -> None:
        await forget_firing(live, waiting)
        again = (await live.decisions.fire(order)).order
        assert again is not None
        await live.placing.place(again)

    exchange.on_request = lose_and_fire
    time.pass_by(9.8)
    await live.fire_due()
    [doubtful] = await live.rows()
    await live.resolve()

    assert (len(exchange.received), doubtful["state"]) == (1, "unknown")
    assert live.latched == [HaltCause.JOURNAL]
    [row] = await live.rows()
    assert row["state"] == "filled"
    assert (await live.stake(Mode.LIVE)).held_usdt > 0


async def test_a_sale_that_the_database_lost_is_not_sent_again_but_looked_up(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    await live.buy(a_coin("NEW", time))
    await live.resolve()
    [bought] = await held(live.database)

    async def sold() -> Order:
        sale = await live.journal.sell(bought.position, bought.position.base_qty, ExitReason.STOP_LOSS)
        assert sale is not None
        await live.placing.place(sale)
        return sale

    async def lose(order: Order, _: OrderRequest) -> None:
        async with live.database.connection() as connection:
            await connection.execute("DELETE FROM orders WHERE client_order_id = $1", order.client_order_id)
            await connection.execute("UPDATE positions SET state = 'open', sales = 0")

    exchange.on_request = lose
    first = await sold()
    exchange.on_request = None
    second = await sold()
    await live.resolve()

    assert (first.client_order_id, live.latched[0]) == (second.client_order_id, HaltCause.JOURNAL)
    assert len(exchange.named(first.client_order_id)) == 1
    assert [row["state"] for row in await live.rows()] == ["filled", "filled"]
    assert await held(live.database) == []


async def test_a_further_attempt_that_the_database_lost_is_not_sent_again(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.FILL_NOTHING)
    await live.buy(a_coin("NEW", time))
    [before] = await live.rows()

    async def lose(*_: object) -> None:
        async with live.database.connection() as connection:
            await connection.execute("DELETE FROM order_attempts")
            await connection.execute(
                "UPDATE orders SET state = $1, attempt = 1, attempt_id = NULL, request = $2, exchange_order_id = $3",
                *(before["state"], before["request"], before["exchange_order_id"]),
            )

    exchange.on_request = lose
    await live.resolve()
    exchange.on_request = None
    for _ in range(4):
        await live.resolve()

    assert (len(exchange.received), exchange.repeated()) == (2, [])
    assert live.latched == [HaltCause.JOURNAL]


async def test_an_order_that_waits_again_is_sent_again_also_where_the_answer_to_that_commit_was_lost(
    database: Database, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    await configure(database, "auto_trade = true")
    live = Executor(database, exchange, time, ExecutorSettings(retry_seconds=0.5, exchange_timeout_seconds=1))
    await armed(live, opening(time))
    exchange.otherwise = Behaviour.NOT_OPEN
    record = live.books.record
    lost: list[str] = []

    async def twice(order: Order, update: Any) -> Order | None:
        if await record(order, update) is not None:
            lost.append(update.event)
        return await record(order, update)

    monkeypatch.setattr(live.books, "record", twice)
    time.pass_by(9.9)
    await live.fire_due()
    monkeypatch.undo()
    [waits] = await live.rows()
    assert (waits["state"], lost) == ("armed", ["postponed"])
    exchange.otherwise = Behaviour.FILL
    moved = opening(time)
    await live.decisions.move(moved.model_copy(update={"observed_at": time() + timedelta(seconds=1)}))
    time.pass_by(10)
    await live.fire_due()
    await live.resolve()

    [row] = await live.rows()
    assert (row["state"], live.latched) == ("filled", [])
    assert row["cost"] > Decimal(0)
