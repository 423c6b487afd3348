"""Orders, on the real database, while the wall clock is set and the exchange's is another."""

from datetime import timedelta

import pytest

from executor.settings import ExecutorSettings
from shared.events import ListingRescheduled
from shared.postgres.database import Database
from tests.support.fakes.clocks import Clocks
from tests.support.fakes.venues import Behaviour, ModelExchange
from tests.support.running.executors import RULES, Executor, a_coin, configure


class AsSaid(Clocks):
    """The exchange's time is what it said, and unknown before."""

    def now_ms(self) -> int:
        return self.exchange.now_ms()


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


@pytest.mark.parametrize("is_live", [True, False])
async def test_an_executor_that_does_not_know_the_time_ends_no_order_for_it(
    database: Database, *, is_live: bool
) -> None:
    right = Clocks()
    sender, exchange = await an_executor(database, right)
    opens_at = right.exchange_now() + timedelta(seconds=60)
    await sender.buy(a_coin("NEW", right, opens_at=opens_at))

    wrong = AsSaid(wall_ahead_seconds=180)
    started = Executor(database, exchange, wrong, SETTINGS, live=is_live)
    await started.fire_due()
    [waits] = await started.rows()
    await wrong.learn()
    wrong.pass_by(70)
    started = Executor(database, exchange, wrong, SETTINGS, live=True)
    await started.fire_due()
    await started.resolve()

    assert waits["state"] == "armed"
    assert [row["state"] for row in await started.rows() if row["mode"] == "live"] == ["filled"]


async def test_an_executor_that_does_not_know_the_time_gives_no_wait_for_an_unknown_opening_up(
    database: Database,
) -> None:
    right = Clocks()
    sender, exchange = await an_executor(database, right)
    await sender.buy(a_coin("NEW", right, rules=RULES.model_copy(update={"api_allowed": False})))
    wrong = AsSaid(wall_ahead_seconds=365 * 86_400)

    started = Executor(database, exchange, wrong, SETTINGS)
    await started.fire_due()
    [waits] = await started.rows()
    wrong.set_exchange(365 * 86_400)
    await wrong.learn()
    await started.fire_due()
    [ended] = await started.rows()

    assert (waits["state"], waits["fire_at"]) == ("armed", None)
    assert ended["error_reason"] == "opening_passed: no opening became known"
