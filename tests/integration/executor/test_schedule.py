"""Orders that wait for an opening, on the real database: fired at their moment, once, or not at all."""

from datetime import datetime, timedelta

import pytest

from executor.books import Told
from executor.settings import ExecutorSettings
from executor.states import OrderEvent, OrderState
from shared.database import Database
from shared.events import Listing, ListingRescheduled, Mode
from tests.executors import RULES, Executor, Time, a_coin, configure
from tests.venues import Behaviour, ModelExchange

SOON = timedelta(seconds=30)


async def armed(executor: Executor, time: Time) -> Listing:
    listing = a_coin("NEW", time, opens_at=time().replace(microsecond=0) + SOON)
    await executor.buy(listing)
    assert await states(executor) == ["armed"]
    return listing


async def moved(executor: Executor, listing: Listing, opens_at: datetime) -> None:
    await executor.handle(ListingRescheduled.model_validate(listing.model_dump() | {"opens_at": opens_at}))


async def states(executor: Executor) -> list[str]:
    return [row["state"] for row in await executor.rows()]


async def fires(executor: Executor, at: datetime) -> None:
    """Let it be just before *at*, and attend to what is due."""
    executor.time.jump_to(at - timedelta(milliseconds=50))
    await executor.fire_due()


async def test_an_armed_order_is_sent_at_its_opening_and_not_before(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    received_at: list[datetime] = []

    async def note(*_: object) -> None:
        received_at.append(time())

    exchange.on_request = note
    await fires(executor, listing.opens_at)
    await executor.resolve()

    assert await states(executor) == ["filled"]
    assert len(received_at) == 1
    assert timedelta(0) <= received_at[0] - listing.opens_at < timedelta(seconds=1)


@pytest.mark.parametrize(("hours", "state"), [(167, "armed"), (169, "expired")])
async def test_an_order_whose_opening_is_never_told_is_given_up_after_as_long_as_any_is_waited_for(
    executor: Executor, time: Time, hours: float, state: str
) -> None:
    closed = RULES.model_copy(update={"api_allowed": False})
    await executor.buy(a_coin("NEW", time, rules=closed))
    before = await states(executor)
    time.pass_by(hours * 3600)

    await executor.fire_due()

    assert (before, await states(executor)) == (["armed"], [state])


async def test_what_was_found_against_an_order_does_not_end_it_once_its_opening_has_moved(
    executor: Executor, time: Time
) -> None:
    listing = await armed(executor, time)
    [waiting] = await executor.books.armed(list(Mode))
    await moved(executor, listing, time() + 2 * SOON)

    ended = await executor.books.record(waiting, OrderEvent.LAPSED, Told(reason="opening_passed"))

    assert ended is None
    assert await states(executor) == ["armed"]


async def test_an_order_armed_by_an_executor_that_is_gone_is_fired_by_the_next(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    listing = await armed(executor, time)
    assert listing.opens_at is not None

    await fires(Executor(database, exchange, time), listing.opens_at)

    assert await states(executor) == ["filled"]


async def test_an_opening_that_nobody_was_there_for_expires(
    executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    time.jump_to(listing.opens_at + timedelta(seconds=3))

    await executor.fire_due()

    [row] = await executor.rows()
    assert row["state"] == OrderState.EXPIRED
    assert row["error_reason"].startswith("opening_passed: 3.")
    assert exchange.received == []


async def test_an_opening_that_moves_is_followed(executor: Executor, time: Time) -> None:
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    later = listing.opens_at + timedelta(minutes=5)
    await moved(executor, listing, later)

    await fires(executor, listing.opens_at)
    assert await states(executor) == ["armed"]

    await fires(executor, later)
    assert await states(executor) == ["filled"]


@pytest.mark.parametrize("change", ["halted = true", "auto_trade = true", "max_trade_usdt = 1"])
async def test_an_opening_that_moved_away_is_not_decided_on_at_its_old_moment(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time, change: str
) -> None:
    """Whoever took the old opening in hand comes to it, and finds that there is nothing to decide."""
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    [in_hand] = await executor.books.armed(list(Mode))
    await moved(executor, listing, listing.opens_at + timedelta(minutes=5))
    await configure(database, change)
    time.jump_to(listing.opens_at)

    await executor.schedule._attend(in_hand, executor.stopping)

    assert await states(executor) == ["armed"]
    assert exchange.received == []


async def test_what_was_armed_for_a_dry_run_and_switched_to_live_is_bought_live_only(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    await configure(database, "auto_trade = true")

    await fires(executor, listing.opens_at)
    await executor.resolve()

    found = [(row["mode"], row["state"], row["error_reason"]) for row in await executor.rows()]
    assert found == [("dry-run", "rejected", "mode_switched"), ("live", "filled", None)]
    assert len(exchange.received) == 1


async def test_a_symbol_that_does_not_open_is_asked_again_and_then_waited_for(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    settings = ExecutorSettings(retry_seconds=0.3, retry_every_seconds=0.05, exchange_timeout_seconds=0.3)
    executor = Executor(database, exchange, time, settings)
    await configure(database, "auto_trade = true")
    exchange.otherwise = Behaviour.NOT_OPEN
    listing = a_coin("NEW", time)
    await executor.buy(listing)
    [row] = await executor.rows()
    assert (row["state"], row["fire_at"]) == ("armed", None)
    assert len(exchange.received) == row["attempts"] > 2

    exchange.otherwise = Behaviour.FILL
    opens_at = time() + SOON
    await moved(executor, listing, opens_at)
    await fires(executor, opens_at)
    await executor.resolve()

    assert await states(executor) == ["filled"]
    assert len(exchange.entries) == 1


async def test_two_executors_at_one_opening_send_one_order(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    other = Executor(database, exchange, time)
    [in_hand] = await other.books.armed(list(Mode))
    await other.look_for_halts()

    await fires(executor, listing.opens_at)
    await other.schedule._attend(in_hand, other.stopping)

    assert len(exchange.received) == 1
