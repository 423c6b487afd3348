"""Orders that wait for an opening, on the real database: fired at their moment, once, or not at all."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from dedup.ledger import Ledger
from executor.journal.announced_openings import AnnouncedOpenings
from executor.journal.held_positions import held
from executor.journal.settlement import LOCK
from executor.model.decided import Decided
from executor.model.order_state import OrderEvent, OrderState, OrderUpdate
from executor.model.reasons import Reason, Refusal
from executor.sending.purchase_sender import PurchaseSender
from executor.settings import ExecutorSettings
from shared.events import Listing, ListingRescheduled, Mode
from shared.mexc.errors import ExchangeRejected
from shared.mexc.payloads import OrderBook
from shared.postgres.database import Database
from tests.support.data.builders import a_symbol_info
from tests.support.fakes.venues import Behaviour, ModelExchange
from tests.support.running.executors import RULES, Executor, Time, a_coin, configure, trades

SOON = timedelta(seconds=30)


async def armed(executor: Executor, time: Time) -> Listing:
    listing = a_coin("NEW", time, opens_at=time().replace(microsecond=0) + SOON)
    await executor.buy(listing)
    assert await states(executor) == ["armed"]
    return listing


async def moved(executor: Executor, listing: Listing, opens_at: datetime, *, seen_at: datetime | None = None) -> None:
    told = {"opens_at": opens_at, "observed_at": seen_at or executor.time()}
    await executor.handle(ListingRescheduled.model_validate(listing.model_dump() | told))


async def claimed(executor: Executor, listing: Listing, opens_at: datetime, *, seen_at: datetime | None = None) -> None:
    """Let dedup's ledger know of an opening that no message told of."""
    ledger = Ledger(executor.database)
    await ledger.claim(listing, "first")
    told = {"opens_at": opens_at, "observed_at": seen_at or executor.time()}
    await ledger.move(listing.model_copy(update=told), "later")


async def postponed(executor: Executor, exchange: ModelExchange) -> Listing:
    """Let an order find its symbol closed at its opening for as long as it asks; it waits for news then."""
    listing = await armed(executor, executor.time)
    assert listing.opens_at is not None
    exchange.otherwise = Behaviour.NOT_OPEN
    await fires(executor, listing.opens_at)
    [row] = await executor.rows()
    assert (row["state"], row["fire_at"]) == ("armed", None)
    exchange.otherwise = Behaviour.FILL
    return listing


def announced_to(executor: Executor) -> AnnouncedOpenings:
    age_max = executor.settings.listing_age_seconds
    return AnnouncedOpenings(executor.database, executor.handle.missed, age_seconds_max=age_max, now=executor.time)


async def states(executor: Executor) -> list[str]:
    return [row["state"] for row in await executor.rows()]


async def fires(executor: Executor, at: datetime) -> None:
    """Let it be just before *at*, and attend to what is due."""
    executor.time.jump_to(at - timedelta(milliseconds=50))
    await executor.fire_due()


async def test_an_order_whose_time_runs_out_right_before_an_attempt_waits_like_one_that_was_refused_last(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    """The wait between attempts ended within its time, and the turn that followed just after it."""
    await configure(database, "auto_trade = true")

    async def overtake(*_: object) -> None:
        if len(exchange.received) == 4:  # The first few follow each other at once.
            asyncio.get_running_loop().call_later(0.1, time.pass_by, 60)

    exchange.on_request = overtake
    await postponed(executor, exchange)

    assert len(exchange.received) == 4


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
    assert timedelta(0) <= received_at[0] - listing.opens_at < timedelta(seconds=10)


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

    ended = await executor.books.record(waiting, OrderUpdate(OrderEvent.LAPSED, why=Refusal(Reason.OPENING_PASSED)))

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
    time.jump_to(listing.opens_at + timedelta(seconds=63))

    await executor.fire_due()

    [row] = await executor.rows()
    assert row["state"] == OrderState.EXPIRED
    assert row["error_reason"].startswith("opening_passed: 63.")
    assert exchange.received == []


@pytest.mark.parametrize("late_seconds", [1.5, 59])
async def test_an_order_whose_opening_is_told_late_is_bought_while_the_listing_is_fresh(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time, late_seconds: float
) -> None:
    await configure(database, "auto_trade = true")
    listing = await armed(executor, time)
    await moved(executor, listing, time() - timedelta(seconds=late_seconds))

    await executor.fire_due()
    await executor.resolve()

    assert await states(executor) == ["filled"]
    assert len(exchange.received) == 1


async def test_an_executor_that_wakes_up_late_sends_what_is_fresh_with_a_timestamp_of_now(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    """A request signed for an opening that is seconds past would be outside of its window."""
    await configure(database, "auto_trade = true")
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    time.jump_to(listing.opens_at + timedelta(seconds=30))

    await executor.fire_due()
    await executor.resolve()

    [row] = await executor.rows()
    assert (row["state"], row["attempts"]) == ("filled", 1)
    assert row["send_until"] <= listing.opens_at + timedelta(seconds=60)


@pytest.mark.parametrize("word", [moved, claimed])
async def test_a_symbol_that_opens_later_than_it_said_is_bought_at_the_first_sign_of_trading(
    database: Database, exchange: ModelExchange, time: Time, word: Callable[..., Awaitable[None]]
) -> None:
    settings = ExecutorSettings(retry_seconds=0.3, retry_every_seconds=0.05, exchange_timeout_seconds=0.3)
    executor = Executor(database, exchange, time, settings)
    await configure(database, "auto_trade = true")
    listing = await postponed(executor, exchange)
    time.pass_by(70)
    await executor.fire_due()
    waits = await states(executor)

    await word(executor, listing, time() - timedelta(seconds=0.5))
    await executor.fire_due()
    await executor.resolve()

    assert (waits, await states(executor)) == (["armed"], ["filled"])
    assert len(exchange.entries) == 1


async def test_a_sign_of_trading_that_comes_while_the_last_attempt_is_under_way_is_not_lost(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    settings = ExecutorSettings(retry_seconds=1, retry_every_seconds=0.05, exchange_timeout_seconds=1)
    executor = Executor(database, exchange, time, settings)
    await configure(database, "auto_trade = true")
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    exchange.otherwise = Behaviour.NOT_OPEN

    async def trades_now(*_: object) -> None:
        exchange.on_request, exchange.otherwise = None, Behaviour.FILL
        exchange.script.append(Behaviour.NOT_OPEN)
        await moved(executor, listing, time())
        time.pass_by(0.99)

    exchange.on_request = trades_now
    await fires(executor, listing.opens_at)
    [row] = await executor.rows()
    await executor.fire_due()
    await executor.resolve()

    assert row["state"] == "armed"
    assert await states(executor) == ["filled"]


@pytest.mark.parametrize("same", [moved, claimed])
async def test_to_hear_again_of_an_opening_at_which_it_stayed_closed_is_no_reason_to_try_again(
    database: Database, exchange: ModelExchange, time: Time, same: Callable[..., Awaitable[None]]
) -> None:
    settings = ExecutorSettings(retry_seconds=0.3, retry_every_seconds=0.05, exchange_timeout_seconds=0.3)
    executor = Executor(database, exchange, time, settings)
    await configure(database, "auto_trade = true")
    listing = await postponed(executor, exchange)
    assert listing.opens_at is not None
    tried = len(exchange.received)

    await same(executor, listing, listing.opens_at)
    time.pass_by(61)
    await executor.fire_due()

    assert await states(executor) == ["armed"]
    assert len(exchange.received) == tried


@pytest.mark.parametrize("seen_ago", [[0.5], [1, 0.5]])
@pytest.mark.parametrize("word", [moved, claimed])
async def test_order_that_found_its_symbol_closed_at_a_seen_opening_tries_the_stated_one_too(
    database: Database, exchange: ModelExchange, time: Time, word: Callable[..., Awaitable[None]], seen_ago: list[float]
) -> None:
    """One push with both sides of a book, before the opening, was told as the opening."""
    settings = ExecutorSettings(retry_seconds=0.3, retry_every_seconds=0.05, exchange_timeout_seconds=0.3)
    executor = Executor(database, exchange, time, settings)
    await configure(database, "auto_trade = true")
    listing = await armed(executor, time)
    exchange.otherwise = Behaviour.NOT_OPEN
    for seconds in seen_ago:
        time.pass_by(1)
        await word(executor, listing, time() - timedelta(seconds=seconds))
    await executor.fire_due()
    tried = len(exchange.received)
    await executor.fire_due()
    [waits] = await executor.rows()
    exchange.otherwise = Behaviour.FILL

    assert listing.opens_at is not None
    await fires(executor, listing.opens_at)
    await executor.resolve()

    assert tried > 0
    assert (waits["state"], waits["fire_at"]) == ("armed", listing.opens_at)
    assert await states(executor) == ["filled"]
    assert len(exchange.entries) == 1


async def test_an_opening_that_was_taken_back_by_a_later_statement_is_not_tried(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    settings = ExecutorSettings(retry_seconds=0.3, retry_every_seconds=0.05, exchange_timeout_seconds=0.3)
    executor = Executor(database, exchange, time, settings)
    await configure(database, "auto_trade = true")
    listing = await armed(executor, time)
    sooner = time() + timedelta(seconds=5)
    await moved(executor, listing, sooner)
    exchange.otherwise = Behaviour.NOT_OPEN

    await fires(executor, sooner)

    [row] = await executor.rows()
    assert (row["state"], row["fire_at"]) == ("armed", None)


@pytest.mark.parametrize("seconds_ago", [100, 50])
async def test_an_executor_that_was_down_while_an_opening_was_brought_forward_decides_by_the_true_opening(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time, seconds_ago: float
) -> None:
    """The news of it was lost; the ledger has it."""
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    await claimed(executor, listing, listing.opens_at - timedelta(seconds=seconds_ago))
    time.jump_to(listing.opens_at)

    await Executor(database, exchange, time).fire_due()

    assert await states(executor) == ["expired" if seconds_ago > 60 else "filled"]


async def test_an_opening_that_moved_by_the_ledger_alone_is_not_decided_on_at_its_old_moment(
    executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    """The executor has it in hand already, and compares once more before it fires."""
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    [in_hand] = await executor.books.armed(list(Mode))
    later = listing.opens_at + timedelta(minutes=5)
    await claimed(executor, listing, later)
    time.jump_to(listing.opens_at)

    await executor.schedule.attend(in_hand, executor.stopping)

    [row] = await executor.rows()
    assert (row["state"], row["fire_at"], exchange.received) == ("armed", later, [])


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
async def test_of_two_reschedulings_the_later_word_stands_in_whatever_order_they_arrive(
    executor: Executor, time: Time, order: tuple[int, int]
) -> None:
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    words = {1: listing.opens_at + timedelta(hours=1), 2: listing.opens_at + timedelta(minutes=10)}
    for minute in order:
        await moved(executor, listing, words[minute], seen_at=listing.observed_at + timedelta(minutes=minute))

    [row] = await executor.rows()

    assert (row["fire_at"], row["listing"]["opens_at"]) == (words[2], words[2].isoformat().replace("+00:00", "Z"))


async def test_a_word_that_overtakes_the_listing_it_is_about_is_not_lost(
    executor: Executor, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The listing is armed by its own message between the two looks at what waits for the word."""
    listing = a_coin("NEW", time, opens_at=time() + SOON)
    later = time() + 2 * SOON
    decide_on = executor.decisions.open

    async def overtaken(word: Listing, sender: PurchaseSender) -> Decided:
        await decide_on(listing, sender)
        return await decide_on(word, sender)

    monkeypatch.setattr(executor.decisions, "open", overtaken)
    await moved(executor, listing, later)

    [row] = await executor.rows()
    assert (row["state"], row["fire_at"]) == ("armed", later)


async def test_an_older_word_of_the_ledger_moves_nothing(executor: Executor, time: Time) -> None:
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    later = listing.opens_at + timedelta(hours=1)
    await claimed(executor, listing, listing.opens_at + timedelta(minutes=10), seen_at=time() + timedelta(seconds=1))
    await moved(executor, listing, later, seen_at=time() + timedelta(seconds=2))

    await executor.fire_due()

    [row] = await executor.rows()
    assert row["fire_at"] == later


async def test_an_opening_that_was_announced_while_no_executor_ran_is_waited_for(
    executor: Executor, time: Time
) -> None:
    """Its message has expired by then."""
    opens_at = time() + timedelta(hours=1)
    listing = a_coin("NEW", time)
    await claimed(executor, listing, opens_at)
    await claimed(executor, a_coin("OPEN", time), time() - timedelta(seconds=1))
    announced = announced_to(executor)

    for _ in range(2):
        await announced.catch_up()

    rows = await executor.rows()
    assert [(row["symbol"], row["state"], row["fire_at"]) for row in rows] == [("NEWUSDT", "armed", opens_at)]


@pytest.mark.parametrize(("seconds_ago", "bought"), [(10, ["filled"]), (61, [])])
async def test_a_listing_that_opened_while_no_executor_ran_is_bought_while_it_is_fresh(
    executor: Executor, time: Time, seconds_ago: float, bought: list[str]
) -> None:
    """It was announced ahead, and its message has expired."""
    listing = a_coin("NEW", time, opens_at=time() + SOON)
    assert listing.opens_at is not None
    await Ledger(executor.database).claim(listing, "first")
    time.jump_to(listing.opens_at + timedelta(seconds=seconds_ago))

    for _ in range(2):
        await announced_to(executor).catch_up()
        await executor.send_all()

    assert await states(executor) == bought


async def test_a_claim_that_cannot_be_read_keeps_no_other_from_being_waited_for(executor: Executor, time: Time) -> None:
    opens_at = time() + timedelta(hours=1)
    for name in ("BAD", "GOOD"):
        await claimed(executor, a_coin(name, time), opens_at)
    async with executor.database.connection() as connection:
        await connection.execute("UPDATE listing_claims SET listing = '{}' WHERE listing_key = 'BADUSDT:1'")

    await announced_to(executor).catch_up()

    assert [row["symbol"] for row in await executor.rows()] == ["GOODUSDT"]


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

    await executor.schedule.attend(in_hand, executor.stopping)

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
    await other.schedule.attend(in_hand, other.stopping)

    assert len(exchange.received) == 1


async def test_listing_refused_for_its_unknown_age_waits_once_its_opening_is_stated(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    """It appeared unwatched, and the list that came first names no opening."""
    await configure(database, "auto_trade = true")
    listing = a_coin("NEW", time, late=True)
    await executor.buy(listing)
    [refused] = await executor.rows()
    stated = time() + timedelta(hours=1)

    await moved(executor, listing, stated)
    [waits] = await executor.rows()
    await fires(executor, stated)
    await executor.resolve()

    assert (refused["state"], refused["error_reason"].split(":")[0]) == ("rejected", "stale_listing")
    assert (waits["state"], waits["fire_at"], waits["error_reason"]) == ("armed", stated, None)
    assert await states(executor) == ["filled"]
    assert [each["status"] for each in await trades(database)] == ["rejected", "pending", "filled"]
    assert len(exchange.received) == 1


async def test_listing_refused_as_too_far_waits_once_its_opening_comes_nearer(executor: Executor, time: Time) -> None:
    listing = a_coin("NEW", time, opens_at=time() + timedelta(hours=200))
    await executor.buy(listing)
    [refused] = await executor.rows()
    nearer = time() + timedelta(hours=20)

    await moved(executor, listing, nearer)

    [row] = await executor.rows()
    assert (refused["state"], refused["error_reason"].split(":")[0]) == ("rejected", "opening_too_far")
    assert (row["state"], row["fire_at"]) == ("armed", nearer)


@pytest.mark.parametrize("seconds_ago", [0, 5])
async def test_an_opening_that_was_merely_seen_lets_nothing_wait_that_was_refused_for_its_unknown_age(
    executor: Executor, exchange: ModelExchange, time: Time, seconds_ago: float
) -> None:
    listing = a_coin("NEW", time, late=True)
    await executor.buy(listing)

    await moved(executor, listing, time() - timedelta(seconds=seconds_ago))

    assert await states(executor) == ["rejected"]


@pytest.mark.parametrize("known", [timedelta(seconds=-70), timedelta(hours=200), None])
async def test_listing_refused_for_its_time_is_bought_once_it_is_seen_to_open_if_it_was_watched(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time, known: timedelta | None
) -> None:
    """It appeared closed, 70 s after its stated opening, or long before it, or its message was late."""
    await configure(database, "auto_trade = true")
    listing = a_coin("NEW", time, opens_at=known and time() + known)
    time.pass_by(0 if known else 70)
    await executor.buy(listing)
    [refused] = await executor.rows()
    time.pass_by(30)
    opens_at = time() - timedelta(seconds=1)

    for _ in range(2):
        await moved(executor, listing, opens_at)
        await executor.fire_due()
        await executor.resolve()

    assert refused["state"] == "rejected"
    assert await states(executor) == ["filled"]
    assert len(exchange.received) == 1


async def test_listing_that_was_seen_to_open_too_long_ago_stays_refused(
    executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    listing = a_coin("NEW", time, opens_at=time() - timedelta(seconds=170))
    await executor.buy(listing)

    await moved(executor, listing, time() - timedelta(seconds=61), seen_at=time() - timedelta(seconds=61))
    await executor.fire_due()

    assert await states(executor) == ["rejected"]


@pytest.mark.parametrize("is_seen", [True, False])
async def test_an_order_that_was_given_up_without_an_opening_follows_one_that_is_told_later(
    executor: Executor, time: Time, *, is_seen: bool
) -> None:
    listing = a_coin("NEW", time, rules=RULES.model_copy(update={"api_allowed": False}))
    await executor.buy(listing)
    time.pass_by(169 * 3600)
    await executor.fire_due()
    [ended] = await executor.rows()
    opens_at = time() if is_seen else time() + timedelta(minutes=10)

    await moved(executor, listing, opens_at)
    [waits] = await executor.rows()
    await fires(executor, opens_at)

    assert (ended["state"], ended["error_reason"]) == ("expired", "opening_passed: no opening became known")
    assert (waits["state"], waits["fire_at"]) == ("armed", opens_at)
    assert await states(executor) == ["filled"]


@pytest.mark.parametrize("hours", [-1, 200])
async def test_a_stated_opening_that_does_not_fit_lets_nothing_wait(
    executor: Executor, time: Time, hours: float
) -> None:
    listing = a_coin("NEW", time, late=True)
    await executor.buy(listing)

    await moved(executor, listing, time() + timedelta(hours=hours))

    assert await states(executor) == ["rejected"]


async def test_a_listing_refused_for_another_reason_than_its_time_waits_for_nothing(
    database: Database, executor: Executor, time: Time
) -> None:
    await configure(database, "halted = true, halted_reason = 'test'")
    listing = a_coin("NEW", time)
    await executor.buy(listing)
    await configure(database, "halted = false, resumed_at = now()")

    await moved(executor, listing, time() + SOON)

    assert await states(executor) == ["rejected"]


async def test_an_order_whose_symbol_is_taken_off_before_it_opens_follows_an_opening_that_is_told_later(
    executor: Executor, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def depth(*_: object) -> OrderBook:
        time.pass_by(20)
        raise ExchangeRejected(-1121, "Invalid symbol.")

    listing = await armed(executor, time)
    assert listing.opens_at is not None
    with monkeypatch.context() as taken_off:
        taken_off.setattr(exchange, "depth", depth)
        await fires(executor, listing.opens_at)
    [row] = await executor.rows()
    assert (row["state"], row["fire_at"], row["attempts"]) == ("armed", None, 0)
    later = listing.opens_at + timedelta(days=3)
    await moved(executor, listing, later)
    await fires(executor, later)

    assert await states(executor) == ["filled"]


async def test_an_order_that_is_due_while_its_executor_is_not_ready_asks_the_exchange_nothing(
    database: Database, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    await configure(database, "auto_trade = true")
    executor = Executor(database, exchange, time, unready=Refusal(Reason.UNRECONCILED))
    asked: list[str] = []

    async def symbol_rules(symbol: str) -> None:
        asked.append(symbol)

    monkeypatch.setattr(exchange, "symbol_rules", symbol_rules)
    await executor.buy(a_coin("NEW", time))
    for _ in range(3):
        time.pass_by(1)
        await executor.fire_due()

    assert (await states(executor), asked) == (["armed"], [])


@pytest.mark.parametrize("seconds", [-0.5, 600])
async def test_an_order_whose_executor_was_away_at_the_opening_follows_one_that_comes_later_than_it_was_stated(
    executor: Executor, exchange: ModelExchange, time: Time, seconds: float
) -> None:
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    time.jump_to(listing.opens_at + timedelta(seconds=120))
    await executor.fire_due()
    ended = await states(executor)
    time.pass_by(180)
    opens_at = time() + timedelta(seconds=seconds)

    await moved(executor, listing, opens_at)
    await fires(executor, opens_at)

    assert (ended, await states(executor)) == (["expired"], ["filled"])


async def test_to_hear_again_of_an_opening_that_nobody_was_there_for_changes_nothing(
    executor: Executor, time: Time
) -> None:
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    time.jump_to(listing.opens_at + timedelta(seconds=70))
    await executor.fire_due()

    for opens_at in (listing.opens_at, listing.opens_at + timedelta(seconds=5)):
        await moved(executor, listing, opens_at)

    assert await states(executor) == ["expired"]


UNREADY = Refusal(Reason.CLOCK_UNCERTAIN, "no answer yet")


async def test_an_executor_that_is_not_ready_leaves_an_opening_to_the_one_that_is(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    listing = await armed(executor, time)
    assert listing.opens_at is not None

    await fires(Executor(database, exchange, time, unready=UNREADY), listing.opens_at)
    waits = await states(executor)
    await executor.fire_due()
    await executor.resolve()

    assert (waits, await states(executor)) == (["armed"], ["filled"])


@pytest.mark.parametrize("opens", [timedelta(seconds=-5), None])
async def test_a_listing_that_opened_already_is_left_to_the_executor_that_is_ready_too(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time, opens: timedelta | None
) -> None:
    await configure(database, "auto_trade = true")
    unready = Executor(database, exchange, time, unready=UNREADY)
    listing = a_coin("NEW", time, opens_at=opens and time() + opens)
    await unready.buy(listing)
    await unready.fire_due()
    waits, sent = await states(executor), len(exchange.received)

    time.pass_by(20)
    for _ in range(2):
        await executor.fire_due()
        await executor.resolve()
        await executor.buy(listing)

    assert (waits, sent) == (["armed"], 0)
    assert await states(executor) == ["filled"]
    assert len(exchange.received) == 1


async def test_a_listing_for_which_no_executor_becomes_ready_expires_with_its_age_and_says_why(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    unready = Executor(database, exchange, time, unready=Refusal(Reason.UNRECONCILED, "snLOST"))
    await unready.buy(a_coin("NEW", time))
    time.pass_by(61)

    await unready.fire_due()

    [row] = await unready.rows()
    assert row["state"] == "expired"
    assert re.fullmatch(r"opening_passed: 61\.\d s ago; unreconciled: snLOST", row["error_reason"])
    assert exchange.received == []


async def test_an_old_coin_that_a_ticker_shows_to_an_executor_that_is_not_ready_is_not_bought_later(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    exchange.rules = a_symbol_info("NEWUSDT", first_open_time=time() - timedelta(days=730))
    await Executor(database, exchange, time, unready=UNREADY).buy(a_coin("NEW", time, rules=None))

    await executor.fire_due()

    [row] = await executor.rows()
    assert (row["state"], row["error_reason"].split(":")[0]) == ("rejected", "stale_listing")
    assert exchange.received == []


async def test_an_opening_for_which_no_executor_becomes_ready_expires_with_its_age(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    unready = Executor(database, exchange, time, unready=UNREADY)
    await fires(unready, listing.opens_at)
    time.jump_to(listing.opens_at + timedelta(seconds=61))

    await unready.fire_due()

    [row] = await executor.rows()
    assert (row["state"], row["error_reason"].split(":")[0]) == ("expired", "opening_passed")
    assert exchange.received == []


@pytest.mark.parametrize("change", ["auto_trade = true", "max_trade_usdt = 0.01, max_position_usdt = 0.01"])
async def test_an_executor_without_live_orders_leaves_the_one_that_waits_to_another(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time, change: str
) -> None:
    """It buys on paper at most, by limits that say nothing of the live order."""
    await configure(database, "auto_trade = true")
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    await configure(database, change)
    on_paper = Executor(database, exchange, time, live=False)

    await fires(on_paper, listing.opens_at)
    await on_paper.fire_due()
    waits = [row["state"] for row in await executor.rows() if row["mode"] == "live"]
    await configure(database, "max_position_usdt = 1000, max_trade_usdt = 100")
    await executor.fire_due()
    await executor.resolve()

    bought = [row["state"] for row in await executor.rows() if row["mode"] == "live"]
    assert (waits, bought) == (["armed"], ["filled"])


async def test_an_executor_without_live_orders_ends_the_one_that_waits_once_it_is_too_old(
    database: Database, executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    on_paper = Executor(database, exchange, time, live=False)
    await fires(on_paper, listing.opens_at)
    time.jump_to(listing.opens_at + timedelta(seconds=61))

    await on_paper.fire_due()

    found = {row["mode"]: (row["state"], row["error_reason"]) for row in await executor.rows()}
    assert found == {"live": ("rejected", "mode_switched"), "dry-run": ("filled", None)}


async def test_to_end_an_order_that_waits_takes_no_lock_that_its_firing_takes_second(
    executor: Executor, time: Time
) -> None:
    """Whoever fires holds the order, and waits for the exposure."""
    await armed(executor, time)
    [waiting] = await executor.books.armed(list(Mode))

    async with executor.database.transaction() as connection:
        await connection.execute(LOCK, waiting.mode)
        async with asyncio.timeout(10):
            ended = await executor.books.record(waiting, OrderUpdate(OrderEvent.DENIED, Refusal(Reason.HALTED)))

    assert ended is not None
    assert await states(executor) == ["rejected"]


async def test_a_position_counts_its_time_from_its_fill_and_not_from_an_earlier_refusal(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    """M21: fired, not open, waits again, the opening moves, bought."""
    executor = Executor(database, exchange, time, ExecutorSettings(retry_seconds=0.2, exchange_timeout_seconds=0.5))
    await configure(database, "auto_trade = true")
    listing = await armed(executor, time)
    assert listing.opens_at is not None
    exchange.otherwise = Behaviour.NOT_OPEN
    await fires(executor, listing.opens_at)
    waited = await states(executor)
    later = time().replace(microsecond=0) + 2 * SOON
    await moved(executor, listing, later)
    exchange.otherwise = Behaviour.FILL
    await fires(executor, later)
    await executor.resolve()

    [position] = await held(database)
    assert (waited, await states(executor)) == (["armed"], ["filled"])
    assert position.position.opened_at >= later
