"""What is told of an order that is decided on more than once: no two events of it share an id."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from dedup.identity import rescheduled_event
from persister.repository import insert_trades
from shared.events import Listing, Trade
from shared.postgres.database import Database
from tests.support.fakes.venues import Behaviour, ModelExchange
from tests.support.running.executors import Executor, Time, a_coin, configure, trades
from tests.waiting import eventually


@pytest.fixture
async def live(database: Database, executor: Executor) -> Executor:
    await configure(database, "auto_trade = true")
    return executor


def stated(listing: Listing, time: Time, opens_in: float) -> Listing:
    """Return the word that *listing* opens in so many seconds."""
    times = dict.fromkeys(("observed_at", "published_at", "deduplicated_at"), time())
    return rescheduled_event(
        listing, listing.model_copy(update={**times, "opens_at": time() + timedelta(seconds=opens_in)})
    )


async def told(executor: Executor) -> list[tuple[str, str]]:
    """Return the status of each trade, and its id after that of the order."""
    return [(each["status"], each["id"].partition(".")[2]) for each in await trades(executor.database)]


def in_ms(time: Any) -> str:
    return str(int(time.timestamp() * 1000))


async def test_an_order_that_is_refused_twice_tells_of_both(live: Executor, time: Time) -> None:
    listing = a_coin("NEW", time, late=True)
    await live.buy(listing)
    [refused] = await live.rows()
    await live.handle(stated(listing, time, 10))
    [reopened] = await live.rows()
    await configure(live.database, "halted = true, halted_reason = 'test'")
    time.pass_by(10)
    await live.fire_due()
    [row] = await live.rows()
    events = [Trade.model_validate(each) for each in await trades(live.database)]

    assert [refused["state"], reopened["state"], row["state"]] == ["rejected", "armed", "rejected"]
    decided_ms = in_ms(reopened["decided_at"])
    assert await told(live) == [
        ("rejected", "rejected"),
        ("pending", f"armed.{decided_ms}"),
        ("rejected", f"rejected.{decided_ms}"),
    ]
    async with live.database.connection() as connection:
        for each in events:
            await insert_trades(connection, [each])
        [stored] = await connection.fetch("SELECT event_id, error_reason FROM trades")
    assert (stored["event_id"], stored["error_reason"]) == (events[-1].id, "halted: operator: test")


async def test_an_order_that_waits_again_tells_of_each_wait(
    database: Database, live: Executor, exchange: ModelExchange, time: Time
) -> None:
    await live.handle(a_coin("NEW", time, opens_at=time() + timedelta(seconds=10)))
    exchange.otherwise = Behaviour.NOT_OPEN
    time.pass_by(9.9)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(live.fire_due())
        await eventually(lambda: len(exchange.received) >= 2)
        live.stopping.set()
    [waits] = await live.rows()
    exchange.otherwise = Behaviour.FILL
    successor = Executor(database, exchange, time)
    await successor.fire_due()
    await successor.resolve()

    assert await told(live) == [
        ("pending", "armed"),
        ("pending", f"armed.{in_ms(waits['decided_at'])}"),
        ("filled", "filled"),
    ]
