"""Orders, on the real database, while the wall clock is set and the exchange's is another."""

from datetime import timedelta

import pytest

from executor.settings import ExecutorSettings
from shared.events import ListingRescheduled
from shared.postgres.database import Database
from tests.support.fakes.clocks import Clocks
from tests.support.fakes.venues import Behaviour, ModelExchange
from tests.support.running.executors import Executor, a_coin, configure

SETTINGS = ExecutorSettings(absent_reads=2, retry_seconds=1, exchange_timeout_seconds=1)


async def an_executor(database: Database, clocks: Clocks) -> tuple[Executor, ModelExchange]:
    await clocks.learn()
    exchange = ModelExchange(clocks.exchange_now)
    await configure(database, "auto_trade = true")
    return Executor(database, exchange, clocks, SETTINGS), exchange


@pytest.mark.parametrize("step_seconds", [-3600, -30, 30, 3600])
async def test_a_wall_clock_that_is_set_just_after_a_timeout_declares_no_filled_order_absent(
    database: Database, step_seconds: float
) -> None:
    clocks = Clocks()
    executor, exchange = await an_executor(database, clocks)
    exchange.script.append(Behaviour.LOSE_ANSWER)
    exchange.read_lag = timedelta(seconds=2)
    await executor.buy(a_coin("NEW", clocks))

    clocks.set_wall(step_seconds)
    for _ in range(SETTINGS.absent_reads + 1):
        await executor.resolve()
    [unknown] = await executor.rows()
    clocks.pass_by(2)
    await executor.resolve()
    [found] = await executor.rows()

    assert (unknown["state"], found["state"]) == ("unknown", "filled")


@pytest.mark.parametrize("ahead_seconds", [-3600, -3, 1.5, 3, 3600])
async def test_a_clock_of_ours_that_is_apart_from_the_exchanges_misses_no_opening(
    database: Database, ahead_seconds: float
) -> None:
    clocks = Clocks(wall_ahead_seconds=ahead_seconds)
    executor, _ = await an_executor(database, clocks)
    opens_at = clocks.exchange_now() + timedelta(seconds=30)
    await executor.buy(a_coin("NEW", clocks, opens_at=opens_at))

    clocks.jump_to(opens_at)
    await executor.fire_due()
    await executor.resolve()

    [row] = await executor.rows()
    assert (row["state"], row["error_reason"]) == ("filled", None)


async def test_what_waits_again_is_compared_with_our_time_and_not_the_databases(database: Database) -> None:
    clocks = Clocks()  # It is noon, long before what the database takes for now.
    executor, exchange = await an_executor(database, clocks)
    opens_at = clocks.exchange_now() + timedelta(hours=1)
    listing = a_coin("NEW", clocks)
    exchange.otherwise = Behaviour.NOT_OPEN

    async def move(*_: object) -> None:
        told = listing.model_dump() | {"opens_at": opens_at, "observed_at": clocks()}
        clocks.pass_by(SETTINGS.retry_seconds - 0.1)
        await executor.handle(ListingRescheduled.model_validate(told))

    exchange.on_request = move
    await executor.buy(listing)

    [row] = await executor.rows()
    assert (row["state"], row["fire_at"]) == ("armed", opens_at)
