"""D9: what becomes of a purchase whose attempt met an empty book, or a price just above its cap."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.operator import held_positions, settle_requests, write_offs
from executor.journal.held_positions import held, write_off
from executor.model.fill import Fill
from executor.model.order_state import OrderEvent, OrderUpdate
from executor.settings import ExecutorSettings
from executor.venues.venue import AGAIN_AFTER
from shared.events import Mode
from shared.postgres.database import Database
from tests.support.data.builders import a_symbol_info
from tests.support.fakes.venues import Behaviour, ModelExchange, ModelVenue
from tests.support.running.executors import Crash, Executor, Failpoints, Time, a_coin, configure, trades
from tests.waiting import eventually

SETTINGS = ExecutorSettings.model_validate({"retry_every_seconds": 0.05})
LATE = Fill(Decimal(3), Decimal(6), Decimal("0.003"), "USDT", complete=False)
EARLIER = "SELECT * FROM order_attempts ORDER BY number"


@pytest.fixture
async def live(database: Database, exchange: ModelExchange, time: Time) -> Executor:
    await configure(database, "auto_trade = true")
    return Executor(database, exchange, time, SETTINGS)


def looks(executor: Executor) -> int:
    """How often the exchange was asked about orders."""
    venue = executor.venues[Mode.LIVE]
    assert isinstance(venue, ModelVenue)
    return len(venue.asked)


async def one(executor: Executor) -> Mapping[str, Any]:
    [row] = await executor.rows()
    return dict(row)


async def earlier(executor: Executor) -> list[Mapping[str, Any]]:
    async with executor.database.connection() as connection:
        return [dict(row) for row in await connection.fetch(EARLIER)]


async def settle(executor: Executor, looks: int = 3) -> None:
    for _ in range(looks):
        await executor.resolve()


async def is_balanced(executor: Executor, exchange: ModelExchange) -> None:
    """What the exchange holds for us is what the positions cost, in whole cents; nothing else is at stake."""
    stake = await executor.stake(Mode.LIVE)
    assert stake.reserved_usdt == 0
    assert stake.held_usdt == sum(each.position.cost_usdt for each in await held(executor.database))
    assert Decimal(0) <= stake.held_usdt - exchange.at_stake() < Decimal("0.02")


async def test_an_order_that_met_an_empty_book_is_tried_again_as_soon_as_something_is_offered(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.FILL_NOTHING)
    exchange.asks_there = False
    await live.buy(a_coin("NEW", time))
    looking = asyncio.create_task(live.resolve())
    await eventually(lambda: looks(live) > 3)
    assert len(exchange.received) == 1

    exchange.asks_there = True
    await looking
    await settle(live)

    row = await one(live)
    assert (row["state"], row["attempt"], row["attempt_id"]) == ("filled", 2, exchange.received[1].client_order_id)
    assert len({each.client_order_id for each in exchange.received}) == len(exchange.received) == 2
    [before] = await earlier(live)
    assert (before["attempt_id"], before["number"]) == (row["client_order_id"], 1)
    [trade] = await trades(live.database)
    assert (trade["client_order_id"], trade["status"]) == (row["client_order_id"], "filled")
    await is_balanced(live, exchange)


async def test_a_price_above_the_cap_is_followed_as_far_as_a_run_up_is_and_for_no_more_money(
    database: Database, live: Executor, exchange: ModelExchange, time: Time
) -> None:
    settings = SETTINGS.model_copy(update={"run_up_pct_max": Decimal(20)})
    executor = Executor(database, exchange, time, settings)
    exchange.price = Decimal("2.2")

    await executor.buy(a_coin("NEW", time))
    await settle(executor)

    first, second = exchange.received
    assert (first.price, second.price) == (Decimal("2.1"), Decimal("2.31"))
    assert (second.price or 0) * (second.quantity or 0) * (1 + SETTINGS.taker_fee) <= (await one(executor))["quote_qty"]
    assert (await one(executor))["state"] == "filled"
    await is_balanced(executor, exchange)


async def test_without_a_run_up_to_follow_no_attempt_pays_more_than_the_first(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.price = Decimal("2.2")
    await live.buy(a_coin("NEW", time))
    looking = asyncio.create_task(live.resolve())
    await eventually(lambda: looks(live) > 3)
    assert len(exchange.received) == 1

    exchange.price = Decimal("2.08")
    await looking
    await settle(live)

    assert [each.price for each in exchange.received] == [Decimal("2.1"), Decimal("2.1")]
    assert (await one(live))["state"] == "filled"


async def test_a_coin_that_turns_out_to_be_old_while_its_first_attempt_got_nothing_is_not_bought_by_a_second(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.rules = a_symbol_info("NEWUSDT", first_open_time=time() - timedelta(days=730))
    exchange.script.append(Behaviour.FILL_NOTHING)

    await live.buy(a_coin("NEW", time, rules=None, price=Decimal("0.02")))
    await settle(live)

    row = await one(live)
    assert (row["state"], row["error_reason"].partition(":")[0]) == ("expired", "stale_listing")
    assert len(exchange.received) == 1
    await is_balanced(live, exchange)


async def test_there_are_only_so_many_attempts(live: Executor, exchange: ModelExchange, time: Time) -> None:
    exchange.otherwise = Behaviour.FILL_NOTHING

    await live.buy(a_coin("NEW", time))
    await settle(live, 6)

    row = await one(live)
    assert (row["state"], row["error_reason"], row["attempt"]) == ("expired", "not_filled", 3)
    assert len({each.client_order_id for each in exchange.received}) == 3
    assert [trade["status"] for trade in await trades(live.database)] == ["rejected"]
    await is_balanced(live, exchange)


@pytest.mark.parametrize("behaviour", [Behaviour.FILL_PARTLY, Behaviour.FILL, Behaviour.REFUSE])
async def test_only_what_got_nothing_at_all_is_tried_again(
    live: Executor, exchange: ModelExchange, time: Time, behaviour: Behaviour
) -> None:
    exchange.script.append(behaviour)

    await live.buy(a_coin("NEW", time))
    await settle(live)

    assert len(exchange.received) == 1


async def test_an_order_that_is_refused_for_want_of_offers_is_tried_again(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.NO_OFFERS)

    await live.buy(a_coin("NEW", time))
    await settle(live)

    assert (await one(live))["state"] == "filled"
    assert len(exchange.received) == 2


async def test_what_the_exchange_took_although_it_spoke_of_no_offers_is_not_bought_again(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.NO_OFFERS)

    async def takes(order: Any, request: Any) -> None:
        if len(exchange.received) == 1:
            exchange._take(order, request, Behaviour.FILL)

    exchange.on_request = takes
    await live.buy(a_coin("NEW", time))
    await settle(live)

    assert len(exchange.received) == 1
    assert (await one(live))["state"] == "filled"


@pytest.mark.parametrize(
    "change",
    [
        "halted = true, halted_reason = 'drill'",
        "max_trade_usdt = 50",
        "max_trade_usdt = 50, max_position_usdt = 60",
        "auto_trade = false",
    ],
)
async def test_what_forbids_a_first_attempt_forbids_a_further_one(
    live: Executor, exchange: ModelExchange, time: Time, change: str
) -> None:
    exchange.script.append(Behaviour.FILL_NOTHING)
    await live.buy(a_coin("NEW", time))
    await configure(live.database, change)

    await settle(live)

    row = await one(live)
    assert (row["state"], row["error_reason"], row["attempt"]) == ("expired", "not_filled", 1)
    assert len(exchange.received) == 1
    await is_balanced(live, exchange)


@pytest.mark.parametrize(("age_seconds", "later_seconds"), [(0, 5.1), (58, 2.5)])
async def test_what_is_late_or_stale_is_not_tried_again(
    live: Executor, exchange: ModelExchange, time: Time, age_seconds: float, later_seconds: float
) -> None:
    exchange.script.append(Behaviour.FILL_NOTHING)
    seen = time() - timedelta(seconds=age_seconds)
    await live.buy(a_coin("NEW", time, listed_at=seen, observed_at=seen))
    time.pass_by(later_seconds)

    await settle(live)

    assert len(exchange.received) == 1
    assert (await one(live))["error_reason"] == "not_filled"


async def appears(executor: Executor, time: Time) -> None:
    time.pass_by(AGAIN_AFTER[0].total_seconds() + 1)
    await executor.recheck.look()


@pytest.mark.parametrize("last", [Behaviour.FILL, Behaviour.FILL_NOTHING, Behaviour.REFUSE])
async def test_an_earlier_attempt_that_shows_a_fill_after_all_is_booked_once_and_halts_purchases(
    live: Executor, exchange: ModelExchange, time: Time, last: Behaviour
) -> None:
    exchange.script.extend([Behaviour.FILL_NOTHING, last, last])
    await live.buy(a_coin("NEW", time))
    await settle(live, 4)
    before = (await live.stake(Mode.LIVE)).held_usdt

    exchange.entries[0].fill = LATE
    await appears(live, time)
    await appears(live, time)

    assert (await live.stake(Mode.LIVE)).held_usdt - before == Decimal("6.01")
    await is_balanced(live, exchange)
    [each] = await held(live.database)
    assert each.position.base_qty == exchange.balance("NEW").free
    row = await one(live)
    told = [each for each in await trades(live.database) if each["client_order_id"] == f"{row['client_order_id']}.1"]
    assert [(each["status"], each["quote_qty"]) for each in told] == [("filled", "6.01")]
    async with live.database.connection() as connection:
        assert await connection.fetchval("SELECT array_agg(cause) FROM halts") == ["appeared"]


async def test_an_earlier_attempt_that_shows_while_the_next_is_in_doubt_is_booked_beside_it(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.extend([Behaviour.FILL_NOTHING, Behaviour.LOSE_ANSWER])
    await live.buy(a_coin("NEW", time))
    exchange.read_lag = timedelta(seconds=40)
    await settle(live)
    assert (await one(live))["state"] == "unknown"

    exchange.entries[0].fill = LATE
    await appears(live, time)
    assert (await live.stake(Mode.LIVE)).held_usdt == Decimal("6.01")
    time.pass_by(40)
    await settle(live)

    assert (await one(live))["state"] == "filled"
    await is_balanced(live, exchange)


async def test_what_appears_after_a_write_off_is_watched(live: Executor, exchange: ModelExchange, time: Time) -> None:
    exchange.script.append(Behaviour.FILL_NOTHING)
    await live.buy(a_coin("NEW", time))
    await settle(live)
    given_up = await is_written_off(live, time, "delisted")
    assert await held(live.database) == []

    exchange.entries[0].fill = LATE
    await appears(live, time)

    [each] = await held(live.database)
    assert (each.position.state, each.write_off, each.position.cost_usdt) == ("open", None, Decimal("6.01"))
    assert each.position.base_qty == given_up + 3
    assert await is_written_off(live, time, "delisted all the same") == given_up + 3
    assert await held(live.database) == []


async def test_what_the_last_attempt_is_found_to_have_got_after_a_write_off_is_watched(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.extend([Behaviour.FILL_NOTHING, Behaviour.LOSE_ANSWER])
    await live.buy(a_coin("NEW", time))
    exchange.read_lag = timedelta(seconds=40)
    await settle(live)
    exchange.entries[0].fill = LATE
    await appears(live, time)
    await is_written_off(live, time, "delisted")
    time.pass_by(40)
    await settle(live)

    assert (await one(live))["state"] == "filled"
    [each] = await held(live.database)
    assert (each.position.state, each.write_off) == ("open", None)


async def test_what_appears_while_a_write_off_is_carried_out_is_not_written_off(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.FILL_NOTHING)
    await live.buy(a_coin("NEW", time))
    await settle(live)
    [seen] = await held(live.database)

    exchange.entries[0].fill = LATE
    await appears(live, time)

    assert not await write_off(live.database, seen.position, time())
    assert len(await held(live.database)) == 1


async def is_written_off(executor: Executor, time: Time, reason: str) -> Decimal:
    """Have an operator write the only position off, and the executor carry it out; return the quantity given up."""
    named = await held_positions.find_held(executor.database, "NEWUSDT", Mode.LIVE, sellable=False)
    await write_offs.request(executor.database, named, reason=reason, requested_by="cli:ann")
    [each] = await held(executor.database)
    assert each.write_off == reason
    assert await write_off(executor.database, each.position, time())
    return each.position.base_qty


async def test_an_attempt_that_says_it_got_nothing_while_its_trades_say_otherwise_is_booked_and_not_repeated(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.denies_fills = True

    await live.buy(a_coin("NEW", time))
    await settle(live)

    assert len(exchange.received) == 1
    assert (await one(live))["error_reason"].startswith("fee_assumed")
    await is_balanced(live, exchange)


async def test_what_is_found_of_an_earlier_attempt_does_nothing_to_the_one_under_way(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.extend([Behaviour.FILL_NOTHING, Behaviour.LOSE_ANSWER])
    await live.buy(a_coin("NEW", time))
    [known] = await live.books.at_large(["live"])
    exchange.read_lag = timedelta(seconds=5)
    await settle(live)

    assert await live.books.record(known, OrderUpdate(OrderEvent.FOUND_UNFILLED)) is None
    assert (await live.stake(Mode.LIVE)).reserved_usdt == 100


async def test_what_was_decided_about_one_attempt_is_not_carried_out_on_the_next(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.FILL_NOTHING)
    await live.buy(a_coin("NEW", time))
    await live.resolver.obstacles(Mode.LIVE)
    await decides_that_it_is_absent(live)
    await live.operator_settlement.carry_out()

    await live.try_again()
    await live.operator_settlement.carry_out()

    row = await one(live)
    assert (row["state"], row["attempt"]) == ("acknowledged", 2)
    await settle(live)
    assert (await one(live))["state"] == "filled"
    await is_balanced(live, exchange)


async def test_what_is_decided_about_a_further_attempt_is_carried_out(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.FILL_NOTHING)
    await live.buy(a_coin("NEW", time))
    await live.resolve()
    await decides_that_it_is_absent(live)

    await live.operator_settlement.carry_out()

    row = await one(live)
    assert (row["state"], row["attempt"]) == ("failed", 2)


async def decides_that_it_is_absent(executor: Executor) -> None:
    """Have an operator decide that the only order is not at the exchange, for the executor to carry out."""
    name = (await one(executor))["client_order_id"]
    await settle_requests.request(executor.database, name, None, reason="not in the app", requested_by="cli:ann")


async def test_two_executors_make_one_further_attempt(
    database: Database, live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.FILL_NOTHING)
    other = Executor(database, exchange, time, SETTINGS)
    await live.buy(a_coin("NEW", time))

    await asyncio.gather(live.resolve(), other.resolve())
    await asyncio.gather(settle(live), settle(other))

    assert len(exchange.received) == 2
    assert (await one(live))["state"] == "filled"
    await is_balanced(live, exchange)


@pytest.mark.parametrize(
    "point",
    [
        *("before_commit", "before_record", "before_record_commits", "after_record"),
        *("before_write", "after_write"),
    ],
)
@pytest.mark.parametrize("last", [Behaviour.FILL, Behaviour.LOSE_ANSWER, Behaviour.FILL_NOTHING])
async def test_a_crash_anywhere_between_two_attempts_sends_none_twice_and_forgets_none(
    database: Database, live: Executor, exchange: ModelExchange, time: Time, point: str, last: Behaviour
) -> None:
    exchange.script.extend([Behaviour.FILL_NOTHING, last, Behaviour.FILL_NOTHING])
    await live.buy(a_coin("NEW", time))
    live.failpoint.armed = point
    with pytest.raises(Crash):
        await live.resolve()

    again = Executor(database, exchange, time, SETTINGS, failpoint=Failpoints())
    for _ in range(12):
        await again.resolve()
        time.pass_by(5)

    row = await one(again)
    assert row["state"] in {"filled", "expired", "failed"}
    assert exchange.repeated() == []
    assert len(exchange.entries) <= SETTINGS.entry_attempts
    assert [each.fill is None for each in exchange.entries[:-1]] == [True] * (len(exchange.entries) - 1)
    await is_balanced(again, exchange)


async def test_what_a_further_attempt_asks_for_counts_once_it_is_answered(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    """A price that is refused makes it another, of more coins."""
    exchange.script.append(Behaviour.FILL_NOTHING)
    await live.buy(a_coin("NEW", time))
    live.failpoint.armed = "after_write"
    with pytest.raises(Crash):
        await live.resolve()

    row, [before] = await one(live), await earlier(live)
    assert (row["state"], row["attempt"], row["request"]) == ("sending", 2, None)
    assert before["request"]["quantity"] == str(exchange.received[0].quantity)


async def test_a_restart_within_the_time_goes_on_with_the_attempts(
    database: Database, live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.FILL_NOTHING)
    await live.buy(a_coin("NEW", time))

    await settle(Executor(database, exchange, time, SETTINGS))

    assert (await one(live))["state"] == "filled"
    assert len(exchange.received) == 2


async def test_an_executor_that_sends_no_live_orders_attempts_none_again(
    database: Database, live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.append(Behaviour.FILL_NOTHING)
    await live.buy(a_coin("NEW", time))

    await settle(Executor(database, exchange, time, SETTINGS, live=False))

    assert (await one(live))["error_reason"] == "not_filled"
    assert len(exchange.received) == 1


async def test_on_paper_an_empty_book_is_tried_again_as_well(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = Executor(database, exchange, time, SETTINGS)
    exchange.asks_there = False
    buying = asyncio.create_task(executor.buy(a_coin("NEW", time)))
    await eventually(lambda: bool(executor.further._in_charge))
    await executor.resolve()
    assert (await one(executor))["state"] == "sending"

    exchange.asks_there = True
    await buying

    row = await one(executor)
    assert (row["mode"], row["state"], row["attempt"]) == ("dry-run", "filled", 2)
    assert [trade["status"] for trade in await trades(database)] == ["filled"]


async def test_on_paper_attempts_end_with_what_the_first_came_to_where_nothing_is_ever_offered(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    settings = SETTINGS.model_copy(update={"entry_attempts_seconds": 0.3})
    executor = Executor(database, exchange, time, settings)
    exchange.asks_there = False

    await executor.buy(a_coin("NEW", time))

    row = await one(executor)
    assert (row["state"], row["error_reason"], row["attempt"]) == ("rejected", "no_liquidity", 1)
    assert (await executor.stake(Mode.DRY_RUN)).reserved_usdt == 0


async def test_a_fault_with_a_further_attempt_ends_its_order_and_nothing_else(
    live: Executor, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("drill")

    monkeypatch.setattr(live.attempts, "begin", broken)
    exchange.script.append(Behaviour.FILL_NOTHING)
    await live.buy(a_coin("NEW", time))

    await settle(live)

    assert (await one(live))["error_reason"] == "not_filled"
    assert not live.further.has_in_charge(exchange.entries[0].order)


async def test_an_order_in_doubt_names_the_attempt_that_a_person_has_to_look_for(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.script.extend([Behaviour.FILL_NOTHING, Behaviour.LOSE_ANSWER])
    await live.buy(a_coin("NEW", time))
    exchange.read_lag = timedelta(hours=1)
    await settle(live)
    exchange.entries[1].visible_at = time() + timedelta(hours=1)
    exchange.down = True
    time.pass_by(live.settings.lookup_alarm_seconds + 10)
    await live.resolver.look_up_due()

    row = await one(live)
    assert row["attention"].startswith(f"sent as {row['attempt_id']}: ")


async def test_a_further_attempt_that_finds_its_symbol_closed_ends_and_waits_for_no_opening(
    database: Database, live: Executor, exchange: ModelExchange, time: Time
) -> None:
    executor = Executor(database, exchange, time, SETTINGS.model_copy(update={"entry_attempts_seconds": 0.5}))
    exchange.script.append(Behaviour.FILL_NOTHING)
    exchange.otherwise = Behaviour.NOT_OPEN

    await executor.buy(a_coin("NEW", time))
    await settle(executor)

    assert (await one(live))["state"] == "expired"
    assert [each.client_order_id for each in exchange.received[1:]] == [exchange.received[-1].client_order_id] * (
        len(exchange.received) - 1
    )
    assert (await live.stake(Mode.LIVE)).reserved_usdt == 0
