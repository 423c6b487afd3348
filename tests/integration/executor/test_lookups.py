"""What becomes of orders that the exchange hides, explains badly, leaves resting, or shows after they were given up."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from api.operator import settle_requests
from api.operator.settle_requests import NotInDoubtError, Outcome, UnclearOutcomeError
from executor.alarms import Alarms
from executor.journal.held_positions import held
from executor.model.fill import Fill
from executor.model.order import ExitReason, Order
from executor.model.position import Position
from executor.settings import ExecutorSettings
from executor.venues.venue import AGAIN_AFTER, EVERY_WAY, Way
from shared.events import HealthStatus, Mode
from shared.mexc.errors import ExchangeUnavailable
from shared.postgres.database import Database
from shared.process.heartbeat import Component
from tests.support.data.rows import WRITTEN_OFF_BESIDE
from tests.support.fakes.venues import Behaviour, Entry, ModelExchange, ModelVenue
from tests.support.running.executors import Executor, Time, a_coin, configure, trades

SETTINGS = ExecutorSettings()
IN_TIME = timedelta(milliseconds=SETTINGS.recv_window_ms)
"""For how long after it was written the exchange takes a request."""


@pytest.fixture
async def live(database: Database, executor: Executor) -> Executor:
    await configure(database, "auto_trade = true")
    return executor


def venue(executor: Executor) -> ModelVenue:
    found = executor.venues[Mode.LIVE]
    assert isinstance(found, ModelVenue)
    return found


async def row(executor: Executor, number: int = 0) -> Mapping[str, Any]:
    return dict((await executor.rows())[number])


async def bought(executor: Executor, time: Time, behaviour: Behaviour = Behaviour.FILL) -> Order:
    executor.exchange.script.append(behaviour)
    await executor.buy(a_coin("NEW", time))
    [order] = await executor.books.at_large(["live"])
    return order


async def held_position(executor: Executor, time: Time) -> Position:
    await bought(executor, time)
    await executor.resolve()
    [each] = await held(executor.database)
    return each.position


async def selling(executor: Executor, time: Time, behaviour: Behaviour | None) -> Order:
    """Have a position sold, with what the exchange does with it; None: its sender dies before a byte is written."""
    position = await held_position(executor, time)
    sale = await executor.journal.sell(position, position.base_qty, ExitReason.STOP_LOSS)
    assert sale is not None
    if behaviour is not None:
        executor.exchange.script.append(behaviour)
        await executor.look_for_halts()
        await executor.placing.place(sale)
    return sale


async def look(executor: Executor, time: Time, *, times: int, every_seconds: float) -> None:
    """Look up what is due again and again, as the resolver does by itself."""
    for _ in range(times):
        await executor.resolver.look_up_due()
        for each in executor.resolver._searches.values():
            each.due_at = 0.0
        time.pass_by(every_seconds)


async def looked_for(executor: Executor, time: Time, *, seconds: float) -> None:
    """Look up a sale four times a second until its position is not closing any more, for *seconds* at most."""
    for _ in range(int(seconds * 4)):
        if (await held(executor.database))[0].position.state != "closing":
            return
        await look(executor, time, times=1, every_seconds=0.25)


# M32


@pytest.mark.parametrize("side", ["BUY", "SELL"])
async def test_an_order_that_rests_is_cancelled_within_two_seconds_of_being_seen_open_and_settled(
    live: Executor, exchange: ModelExchange, time: Time, side: str
) -> None:
    if side == "BUY":
        await bought(live, time, Behaviour.REST)
    else:
        await selling(live, time, Behaviour.REST)
    await look(live, time, times=4, every_seconds=0.5)

    assert len(venue(live).cancelled) == 1
    assert not exchange.entries[-1].working
    time.pass_by(live.settings.entry_attempts_seconds)
    await live.try_again()
    assert (await row(live, -1))["state"] == "expired"
    assert [each.position.state for each in await held(live.database)] == (["open"] if side == "SELL" else [])


@pytest.mark.parametrize("word", ["", "EXPIRED"])
async def test_an_order_that_only_dear_ways_show_is_cancelled_and_settled_as_soon_as_another(
    live: Executor, exchange: ModelExchange, time: Time, word: str
) -> None:
    await bought(live, time, Behaviour.FILL_NOTHING if word else Behaviour.REST)
    exchange.entries[0].word = word
    exchange.hidden_from = {Way.EXCHANGE_ID, Way.CLIENT_ID}
    await look(live, time, times=30, every_seconds=0.5)

    assert len(venue(live).cancelled) == 1
    time.pass_by(live.settings.entry_attempts_seconds)
    await live.try_again()
    assert (await row(live))["state"] == "expired"


async def test_what_a_resting_order_got_before_its_cancel_is_bought(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    await bought(live, time, Behaviour.REST)
    exchange.entries[0].fill = Fill(Decimal(3), Decimal(6), Decimal("0.003"), "USDT", complete=False)
    await look(live, time, times=4, every_seconds=0.5)

    assert (await row(live))["state"] == "partially_filled"
    [each] = await held(live.database)
    assert (each.position.base_qty, each.position.cost_usdt) == (Decimal(3), Decimal("6.01"))


async def test_a_cancel_that_does_nothing_is_not_repeated_at_every_look(
    live: Executor, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bought(live, time, Behaviour.REST)
    tried: list[str] = []

    async def deaf(order: Order, exchange_order_id: str) -> None:
        tried.append(exchange_order_id)

    monkeypatch.setattr(venue(live), "cancel", deaf)
    await look(live, time, times=20, every_seconds=0.5)

    assert 1 < len(tried) <= 3


# M28


async def test_an_order_that_ended_under_a_word_nobody_knows_is_cancelled_once_and_settled_by_its_quantities(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    await bought(live, time, Behaviour.FILL_PARTLY)
    exchange.entries[0].word = "EXPIRED"
    await look(live, time, times=int(SETTINGS.unknown_status_seconds) + 4, every_seconds=1)

    assert len(venue(live).cancelled) == 1
    found = await row(live)
    assert (found["state"], found["executed_qty"]) == ("partially_filled", Decimal("10.01"))
    assert found["error_reason"] == "unknown_status: EXPIRED"
    assert [each.position.base_qty for each in await held(live.database)] == [Decimal("10.01")]


async def test_an_order_under_a_word_nobody_knows_is_left_alone_while_it_is_filled(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    await bought(live, time, Behaviour.REST)
    exchange.entries[0].word = "MATCHING"
    for number in range(1, 10):
        exchange.entries[0].fill = Fill(Decimal(number), Decimal(2 * number), Decimal(0), "USDT", complete=False)
        await look(live, time, times=1, every_seconds=SETTINGS.unknown_status_seconds - 1)

    assert venue(live).cancelled == []
    assert (await row(live))["state"] == "acknowledged"


# M8


async def test_an_order_whose_trades_never_add_up_is_settled_by_its_own_figures_after_a_time_and_says_so(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.trades_missing = True
    await bought(live, time)
    await look(live, time, times=2, every_seconds=SETTINGS.trades_seconds / 2)
    before = (await row(live))["state"]
    await look(live, time, times=2, every_seconds=SETTINGS.trades_seconds / 2)

    found = await row(live)
    assert (before, found["state"]) == ("acknowledged", "filled")
    assert found["error_reason"].startswith("fee_assumed: ")
    assert len(await held(live.database)) == 1


# M7


@pytest.mark.parametrize("shown_by", [Way.CLIENT_ID, Way.OPEN_ORDERS, Way.ALL_ORDERS])
async def test_an_order_is_found_by_any_one_way_of_looking(
    live: Executor, exchange: ModelExchange, time: Time, shown_by: Way
) -> None:
    exchange.hidden_from = set(EVERY_WAY) - {shown_by}
    await bought(live, time)
    await look(live, time, times=5, every_seconds=1)

    assert (await row(live))["state"] == "filled"


async def test_an_order_of_which_only_the_trades_are_shown_is_settled_by_them(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    exchange.hidden_from = set(EVERY_WAY) - {Way.TRADES}
    await bought(live, time)
    await look(live, time, times=20, every_seconds=1)

    found = await row(live)
    assert (found["state"], found["cost"]) == ("filled", exchange.entries[0].fill and exchange.entries[0].fill.cost)


@pytest.mark.parametrize(
    ("side", "behaviour"),
    [("BUY", Behaviour.FILL), ("SELL", Behaviour.FILL), ("SELL", Behaviour.LOSE_ANSWER)],
)
async def test_an_order_that_is_not_shown_by_any_way_is_an_alarm_and_its_money_stays_where_it_is(
    live: Executor, exchange: ModelExchange, time: Time, side: str, behaviour: Behaviour
) -> None:
    """What was acknowledged is no less there for being hidden; a sale that left no coins took place."""
    component = Component("executor")
    live.resolver._alert = Alarms(component).needed
    order = await (bought(live, time, behaviour) if side == "BUY" else selling(live, time, behaviour))
    exchange.hidden_from = set(EVERY_WAY)
    stake = await live.stake(Mode.LIVE)
    await look(live, time, times=30, every_seconds=6)

    found = await row(live, -1)
    assert found["state"] == ("acknowledged" if behaviour is Behaviour.FILL else "unknown")
    assert found["attention"].startswith(("not shown", "its coins"))
    assert await live.stake(Mode.LIVE) == stake
    told = [each for each in await trades(live.database) if each["id"].endswith(".unsettled")]
    assert [(each["client_order_id"], each["status"]) for each in told] == [(order.client_order_id, "pending")]
    assert told[0]["error_reason"].startswith("unsettled: ")
    health = component.report(time())
    assert health.status is HealthStatus.DEGRADED
    assert order.client_order_id in health.detail
    assert {way for _, ways in venue(live).asked for way in ways} >= set(EVERY_WAY) - {Way.BALANCE}


async def test_an_alarm_ends_with_the_order(live: Executor, exchange: ModelExchange, time: Time) -> None:
    component = Component("executor")
    live.resolver._alert = Alarms(component).needed
    await bought(live, time)
    exchange.hidden_from = set(EVERY_WAY)
    await look(live, time, times=30, every_seconds=8)
    exchange.hidden_from = set()
    await look(live, time, times=2, every_seconds=8)

    assert ((await row(live))["state"], (await row(live))["attention"]) == ("filled", None)
    assert component.report(time()).status is HealthStatus.RUNNING


# What an operator decides.


async def in_doubt(executor: Executor, time: Time) -> Order:
    order = await bought(executor, time)
    executor.exchange.hidden_from = set(EVERY_WAY)
    return order


async def decide(executor: Executor, order: Order, outcome: Outcome | None) -> None:
    await settle_requests.request(
        executor.database, order.client_order_id, outcome, reason="seen in the app", requested_by="cli:ann"
    )
    await executor.operator_settlement.carry_out()


async def test_an_operator_settles_an_order_as_filled_and_it_is_held(live: Executor, time: Time) -> None:
    order = await in_doubt(live, time)
    await decide(live, order, Outcome(Decimal(10), Decimal(20), Decimal("0.01"), "USDT"))

    found = await row(live)
    assert (found["state"], found["executed_qty"], found["fees"]) == ("partially_filled", Decimal(10), {"USDT": "0.01"})
    assert found["error_reason"] == "settled_by_hand: cli:ann: seen in the app"
    [each] = await held(live.database)
    assert (each.position.base_qty, each.position.cost_usdt) == (Decimal(10), Decimal("20.01"))
    stake = await live.stake(Mode.LIVE)
    assert (stake.reserved_usdt, stake.held_usdt) == (Decimal("0.00"), Decimal("20.01"))


async def test_an_operator_writes_an_order_off_and_it_is_looked_for_again_all_the_same(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    order = await in_doubt(live, time)
    await decide(live, order, None)
    stake = await live.stake(Mode.LIVE)
    exchange.hidden_from = set()
    time.pass_by(AGAIN_AFTER[0].total_seconds() + 1)
    await live.recheck.look()

    assert stake.reserved_usdt == 0
    assert (await row(live))["state"] == "filled"
    assert len(await held(live.database)) == 1


async def test_an_operators_word_settles_an_order_once(live: Executor, time: Time) -> None:
    order = await in_doubt(live, time)
    await decide(live, order, Outcome(Decimal(10), Decimal(20)))
    await live.operator_settlement.carry_out()
    with pytest.raises(NotInDoubtError, match="nothing to decide"):
        await decide(live, order, None)

    assert len(await held(live.database)) == 1
    async with live.database.connection() as connection:
        [audit] = await connection.fetch("SELECT * FROM settle_requests")
    assert (audit["requested_by"], audit["reason"]) == ("cli:ann", "seen in the app")


async def test_what_an_operator_took_back_is_not_carried_out_by_a_database_whose_clock_is_ahead(
    live: Executor, time: Time
) -> None:
    order = await in_doubt(live, time)
    ask = """
    INSERT INTO settle_requests (client_order_id, base_qty, cost, reason, requested_by, created_at)
    VALUES ($1, $2, $3, 'why', 'cli:ann', now() + interval '1 hour')
    """
    async with live.database.connection() as connection:
        await connection.execute(ask, order.client_order_id, Decimal(10), Decimal(20))
        await connection.execute(ask, order.client_order_id, None, None)
    await live.operator_settlement.carry_out()
    await live.operator_settlement.carry_out()

    assert (await row(live))["state"] == "failed"
    assert await held(live.database) == []


async def test_the_asset_of_an_operators_fee_is_taken_in_any_spelling(live: Executor, time: Time) -> None:
    order = await in_doubt(live, time)
    await decide(live, order, Outcome(Decimal(10), Decimal(20), Decimal("0.01"), "usdt"))

    assert (await row(live))["fees"] == {"USDT": "0.01"}
    [each] = await held(live.database)
    assert each.position.cost_usdt == Decimal("20.01")


async def test_a_fee_of_as_much_as_was_bought_is_refused_in_any_spelling(live: Executor, time: Time) -> None:
    order = await in_doubt(live, time)
    with pytest.raises(UnclearOutcomeError, match="too much"):
        await decide(live, order, Outcome(Decimal(10), Decimal(20), Decimal(10), "new"))


async def test_there_is_nothing_to_decide_about_an_order_that_is_unknown_or_sent_now(
    live: Executor, time: Time
) -> None:
    await live.handle(a_coin("NEW", time))
    [sending] = await live.books.at_large(["live"])
    for name in ("sn-none", sending.client_order_id):
        with pytest.raises(NotInDoubtError):
            await settle_requests.request(live.database, name, None, reason="why", requested_by="cli:ann")


async def test_a_position_whose_sale_an_operator_writes_off_is_watched_again(live: Executor, time: Time) -> None:
    sale = await selling(live, time, Behaviour.FILL)
    await decide(live, sale, None)

    assert [each.position.state for each in await held(live.database)] == ["open"]


async def test_an_operator_knows_of_an_order_that_was_given_up_and_it_is_held(live: Executor, time: Time) -> None:
    await given_up(live, time)
    [order] = await live.books.given_up(["live"], 99)
    async with live.database.connection() as connection:
        # The database's clock dates what an operator says, ours what was given up.
        await connection.execute("UPDATE orders SET given_up_at = now() - interval '1 minute'")
    await decide(live, order, Outcome(Decimal(10), Decimal(20)))

    assert (await row(live))["state"] == "partially_filled"
    assert len(await held(live.database)) == 1


async def test_one_order_that_this_version_cannot_read_does_not_keep_the_others_from_being_settled(
    live: Executor, time: Time
) -> None:
    for name in ("ONE", "TWO"):
        await live.buy(a_coin(name, time))
    async with live.database.connection() as connection:
        await connection.execute("UPDATE orders SET listing = '{}' WHERE symbol = 'ONEUSDT'")
    await live.resolve()

    assert [each["state"] for each in await live.rows()] == ["acknowledged", "filled"]


# M31


async def test_a_sale_on_paper_that_a_crash_cut_short_is_settled_within_five_seconds(
    executor: Executor, exchange: ModelExchange, time: Time
) -> None:
    await executor.buy(a_coin("NEW", time))
    [each] = await held(executor.database)
    assert await executor.journal.sell(each.position, each.position.base_qty, ExitReason.STOP_LOSS) is not None
    again = Executor(executor.database, exchange, time)
    await looked_for(again, time, seconds=5)
    assert (await held(executor.database))[0].position.state != "closing"


@pytest.mark.parametrize("behaviour", [None, Behaviour.SWALLOW])
async def test_a_sale_that_never_took_place_is_settled_within_five_seconds_of_the_crash_and_watched_again(
    live: Executor, exchange: ModelExchange, time: Time, behaviour: Behaviour | None
) -> None:
    await selling(live, time, behaviour)
    again = Executor(live.database, exchange, time)
    await looked_for(again, time, seconds=5)
    assert (await held(live.database))[0].position.state != "closing"

    found = await row(live, -1)
    assert found["state"] == "failed"
    assert found["given_up_at"] > found["send_until"] + IN_TIME


@pytest.mark.parametrize("shown", [True, False])
async def test_a_sale_that_took_place_is_never_taken_for_absent(
    live: Executor, exchange: ModelExchange, time: Time, *, shown: bool
) -> None:
    await selling(live, time, Behaviour.LOSE_ANSWER)
    exchange.hidden_from = set() if shown else set(EVERY_WAY)
    await look(Executor(live.database, exchange, time), time, times=40, every_seconds=0.5)

    assert (await row(live, -1))["state"] == ("filled" if shown else "unknown")


async def with_other_coins(live: Executor, exchange: ModelExchange, time: Time) -> Executor:
    """Return an executor whose account holds coins of the kind for other reasons."""
    exchange.others["NEW"] = Decimal(1000)
    return Executor(live.database, exchange, time, ExecutorSettings(other_holdings=frozenset({"NEW"})))


async def test_a_hidden_sale_of_a_coin_that_the_account_holds_for_other_reasons_is_not_taken_for_absent(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    """Coins that are there are the operator's own."""
    sale = await selling(live, time, Behaviour.LOSE_ANSWER)
    exchange.hidden_from = set(EVERY_WAY)
    again = await with_other_coins(live, exchange, time)
    await look(again, time, times=40, every_seconds=0.25)
    hidden = (await row(live, -1))["state"]
    exchange.hidden_from = set()
    await look(again, time, times=4, every_seconds=0.5)

    assert (hidden, (await row(live, -1))["state"]) == ("unknown", "filled")
    assert [each.request.client_order_id for each in exchange.entries][1:] == [sale.client_order_id]


async def test_a_sale_of_such_a_coin_that_never_arrived_is_proven_absent_as_a_purchase_is(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    await selling(live, time, Behaviour.SWALLOW)
    again = await with_other_coins(live, exchange, time)
    await looked_for(again, time, seconds=30)

    found = await row(live, -1)
    assert found["state"] == "failed"
    assert found["given_up_at"] > found["send_until"] + IN_TIME + timedelta(seconds=SETTINGS.protection_seconds)


async def test_a_sale_of_such_a_coin_whose_coins_are_missing_is_not_absent(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    await selling(live, time, Behaviour.SWALLOW)
    again = await with_other_coins(live, exchange, time)
    exchange.others["NEW"] = Decimal(-1)
    await look(again, time, times=60, every_seconds=0.5)

    assert (await row(live, -1))["state"] == "unknown"


async def test_a_sale_in_doubt_whose_position_another_has_sold_meanwhile_is_settled_all_the_same(
    live: Executor, time: Time
) -> None:
    """Its coins cannot be counted any more; that none of them were left for it is as good."""
    doubted = await selling(live, time, Behaviour.SWALLOW)
    [each] = await held(live.database)
    beside = await live.journal.sell(each.position, each.position.base_qty, ExitReason.STOP_LOSS, beside=True)
    assert beside is not None
    await live.placing.place(beside)
    await live.resolve()
    await look(live, time, times=40, every_seconds=0.5)

    found = {each["client_order_id"]: (each["state"], each["given_up_at"] is None) for each in await live.rows()}
    assert found[doubted.client_order_id] == ("failed", False)
    assert found[beside.client_order_id] == ("filled", True)
    assert await held(live.database) == []


async def test_a_sale_whose_coins_are_locked_is_at_the_exchange(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    await selling(live, time, Behaviour.REST)
    await live.resolve()
    async with live.database.connection() as connection:
        await connection.execute("UPDATE orders SET state = 'unknown', exchange_order_id = NULL WHERE side = 'SELL'")
    exchange.hidden_from = set(EVERY_WAY)
    await look(live, time, times=20, every_seconds=0.5)

    assert (await row(live, -1))["state"] == "unknown"


async def test_a_sale_in_doubt_is_absent_once_other_sales_have_sold_every_coin_of_its_position(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    in_doubt = await selling(live, time, Behaviour.SWALLOW)
    [each] = await held(live.database)
    beside = await live.journal.sell(each.position, each.position.base_qty, ExitReason.STOP_LOSS, beside=True)
    assert beside is not None
    await live.look_for_halts()
    await live.placing.place(beside)
    await look(live, time, times=40, every_seconds=0.5)

    states = {each["client_order_id"]: each["state"] for each in await live.rows() if each["side"] == "SELL"}
    assert states == {in_doubt.client_order_id: "failed", beside.client_order_id: "filled"}
    assert await held(live.database) == []


async def test_a_sale_in_doubt_of_a_position_that_was_written_off_stays_in_doubt(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    await selling(live, time, Behaviour.SWALLOW)
    async with live.database.connection() as connection:
        await connection.execute("UPDATE positions SET state = 'written_off', cost_usdt = 0, closed_at = now()")
    await look(live, time, times=40, every_seconds=0.5)

    assert (await row(live, -1))["state"] == "unknown"


async def beside_another(executor: Executor, state: str, *, there: bool) -> None:
    """Let another position of the coin, of as much of it, be in *state*; *there*: the account holds its coins."""
    async with executor.database.connection() as connection:
        await connection.execute(WRITTEN_OFF_BESIDE, "NEWUSDT:1", "unsellable")
        await connection.execute("UPDATE positions SET state = $1 WHERE listing_key <> 'NEWUSDT:1'", state)
        quantity = await connection.fetchval("SELECT base_qty FROM positions WHERE listing_key = 'NEWUSDT:1'")
    executor.exchange.others["NEW"] = quantity if there else Decimal(0)


@pytest.mark.parametrize("state", ["written_off", "external"])
async def test_a_hidden_sale_beside_coins_that_were_given_up_is_not_taken_for_absent(
    live: Executor, exchange: ModelExchange, time: Time, state: str
) -> None:
    """As many coins as were sold are there, and are others."""
    await selling(live, time, Behaviour.LOSE_ANSWER)
    await beside_another(live, state, there=True)
    exchange.hidden_from = set(EVERY_WAY)
    await look(live, time, times=40, every_seconds=0.25)
    hidden = (await row(live, -1))["state"]
    exchange.hidden_from = set()
    await look(live, time, times=8, every_seconds=0.5)

    assert (hidden, (await row(live, -1))["state"]) == ("unknown", "filled")


@pytest.mark.parametrize("state", ["written_off", "external"])
async def test_a_sale_that_never_arrived_is_absent_although_coins_that_were_given_up_are_gone(
    live: Executor, time: Time, state: str
) -> None:
    await selling(live, time, Behaviour.SWALLOW)
    await beside_another(live, state, there=False)
    await look(live, time, times=160, every_seconds=0.25)

    found = await row(live, -1)
    assert found["state"] == "failed"
    assert found["given_up_at"] > found["send_until"] + IN_TIME + timedelta(seconds=SETTINGS.protection_seconds)


async def test_a_sale_that_never_arrived_is_absent_at_once_where_coins_that_were_given_up_are_there_as_well(
    live: Executor, time: Time
) -> None:
    await selling(live, time, Behaviour.SWALLOW)
    await beside_another(live, "written_off", there=True)
    await look(live, time, times=28, every_seconds=0.25)

    assert (await row(live, -1))["state"] == "failed"


async def test_a_sale_is_not_absent_while_there_is_no_balance_to_be_had(
    live: Executor, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    await selling(live, time, Behaviour.SWALLOW)

    async def none(_: str) -> None:
        return None

    monkeypatch.setattr(venue(live), "balance", none)
    await look(live, time, times=40, every_seconds=0.5)

    assert (await row(live, -1))["state"] == "unknown"


# M17


async def given_up(executor: Executor, time: Time) -> Entry:
    """Have a purchase arrive that is not shown for so long that it is given up."""
    await bought(executor, time, Behaviour.LOSE_ANSWER)
    executor.exchange.hidden_from = set(EVERY_WAY)
    await look(executor, time, times=30, every_seconds=2)
    assert (await row(executor))["state"] == "failed"
    executor.exchange.hidden_from = set()
    return executor.exchange.entries[0]


async def test_an_order_that_appears_after_it_was_given_up_is_held_counted_and_halts_purchases(
    live: Executor, time: Time
) -> None:
    entry = await given_up(live, time)
    await configure(live.database, "max_trade_usdt = 50, max_position_usdt = 50")
    time.pass_by(AGAIN_AFTER[0].total_seconds() + 1)
    await live.recheck.look()

    assert entry.fill is not None
    found = await row(live)
    assert (found["state"], found["cost"]) == ("filled", entry.fill.cost)
    [each] = await held(live.database)
    assert each.position.base_qty == entry.fill.base_qty
    # Beyond the limit of now: what is true counts.
    stake = await live.stake(Mode.LIVE)
    assert (stake.reserved_usdt, stake.held_usdt) == (Decimal("0.00"), entry.fill.quote_spent("USDT"))
    told = (await trades(live.database))[-1]
    assert (told["status"], told["error_reason"].partition(":")[0]) == ("filled", "appeared")
    decided = await live.decide(a_coin("OTHER", time))
    assert decided.reason.startswith("halted: appeared: ")


async def test_an_order_that_was_given_up_is_looked_for_at_its_times_and_then_no_more(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    await bought(live, time, Behaviour.SWALLOW)
    await look(live, time, times=30, every_seconds=2)
    given_up_at = (await row(live))["given_up_at"]
    looked = len(venue(live).asked)
    for after in AGAIN_AFTER:
        time.jump_to(given_up_at + after + timedelta(seconds=1))
        await live.recheck.look()
        await live.recheck.look()
    time.pass_by(86_400)
    await live.recheck.look()

    assert len(venue(live).asked) - looked == len(AGAIN_AFTER)
    assert ((await row(live))["state"], (await row(live))["looked_again"]) == ("failed", len(AGAIN_AFTER))


async def test_times_that_passed_while_nothing_ran_are_one_look(live: Executor, time: Time) -> None:
    await bought(live, time, Behaviour.SWALLOW)
    await look(live, time, times=30, every_seconds=2)
    looked = len(venue(live).asked)
    time.pass_by(86_400)
    await live.recheck.look()
    await live.recheck.look()

    assert len(venue(live).asked) - looked == 1


async def test_coins_that_nothing_explains_have_what_was_given_up_looked_for_at_once(
    live: Executor, time: Time
) -> None:
    await given_up(live, time)
    await live.recheck.look_for({"OTHER"})
    before = (await row(live))["state"]
    await live.recheck.look_for({"NEW"})

    assert (before, (await row(live))["state"]) == ("failed", "filled")


async def test_an_order_whose_look_up_is_not_answered_keeps_no_other_from_being_found(
    live: Executor, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    await given_up(live, time)
    live.exchange.script.append(Behaviour.LOSE_ANSWER)
    live.exchange.hidden_from = set(EVERY_WAY)
    await live.buy(a_coin("LATER", time))
    await look(live, time, times=30, every_seconds=2)
    live.exchange.hidden_from = set()
    look_up = venue(live).look_up

    async def unanswered(order: Order, *arguments: Any, **options: Any) -> Any:
        if order.symbol == "NEWUSDT":
            raise ExchangeUnavailable("HTTP 503")
        return await look_up(order, *arguments, **options)

    monkeypatch.setattr(venue(live), "look_up", unanswered)
    await live.recheck.look_for({"NEW", "LATER"})

    assert [(await row(live, number))["state"] for number in range(2)] == ["failed", "filled"]


async def test_an_order_that_works_although_it_was_given_up_is_ended_and_counts_with_what_it_got(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    entry = await given_up(live, time)
    entry.working = True
    time.pass_by(AGAIN_AFTER[0].total_seconds() + 1)
    await live.recheck.look()
    await live.recheck.look()

    assert len(venue(live).cancelled) == 1
    assert (await row(live))["state"] == "filled"


async def test_a_sale_that_appears_after_it_was_given_up_takes_its_coins_from_the_position(
    live: Executor, exchange: ModelExchange, time: Time
) -> None:
    await selling(live, time, Behaviour.SWALLOW)
    await look(live, time, times=20, every_seconds=0.5)
    sale = (await live.rows())[-1]
    assert sale["state"] == "failed"
    [each] = await held(live.database)
    part = Fill(Decimal(1), Decimal(2), Decimal("0.01"), "USDT", complete=False)
    order = (await live.books.given_up(["live"], 99))[0]
    another = await live.journal.sell(each.position, each.position.base_qty, ExitReason.STOP_LOSS)
    assert another is not None
    exchange.entries.append(Entry("X9", order, exchange.received[-1], visible_at=time(), working=False, fill=part))
    time.pass_by(AGAIN_AFTER[0].total_seconds() + 1)
    await live.recheck.look()

    [after] = await held(live.database)
    assert after.position.base_qty == each.position.base_qty - 1
    # The other sale of it is still under way.
    assert (after.position.state, (await row(live, -2))["state"]) == ("closing", "partially_filled")


async def test_an_order_older_than_the_exchange_remembers_is_not_absent_but_needs_a_person(
    live: Executor, time: Time
) -> None:
    await bought(live, time, Behaviour.SWALLOW)
    time.pass_by(8 * 86_400)
    await look(live, time, times=30, every_seconds=2)

    found = await row(live)
    assert (found["state"], bool(found["attention"])) == ("unknown", True)


# M21


@pytest.mark.parametrize("after", [timedelta(seconds=2), timedelta(seconds=-2), None])
async def test_a_position_whose_answer_was_lost_is_as_old_as_its_last_trade(
    live: Executor, exchange: ModelExchange, time: Time, after: timedelta | None
) -> None:
    """And never older than its decision, which is all that is known without the time of a trade."""
    order = await bought(live, time, Behaviour.LOSE_ANSWER)
    [entry] = exchange.entries
    assert entry.fill is not None
    entry.fill = replace(entry.fill, traded_at=None if after is None else order.decided_at + after)
    time.pass_by(10)
    await live.resolve()

    [each] = await held(live.database)
    assert each.position.opened_at == order.decided_at + max(after or timedelta(0), timedelta(0))


# M22


async def test_an_order_found_after_its_answer_was_lost_has_no_latency_in_statistics(
    live: Executor, time: Time
) -> None:
    await bought(live, time, Behaviour.LOSE_ANSWER)
    await live.resolve()

    told = (await trades(live.database))[-1]
    assert (told["status"], told["ack_latency_ms"]) == ("filled", None)
    assert told["latency_ms"] > 0
    assert live.metric("order_seconds_count") == 0


# M33


async def test_the_32768th_sale_of_a_position_is_journalled(live: Executor, time: Time) -> None:
    position = await held_position(live, time)
    async with live.database.connection() as connection:
        await connection.execute("ALTER TABLE positions ALTER COLUMN sales TYPE integer")
        await connection.execute("UPDATE positions SET sales = 32767")
    [each] = await held(live.database)

    sale = await live.journal.sell(each.position, position.base_qty, ExitReason.STOP_LOSS)

    assert sale is not None
    assert sale.sequence == 32_768


@pytest.mark.parametrize(
    ("part", "module", "look_once"),
    [("recheck", "given_up_orders", "look"), ("operator_settlement", "operator_settlement", "carry_out")],
)
async def test_a_fault_in_a_look_now_and_then_ends_nothing_and_another_follows(
    live: Executor, monkeypatch: pytest.MonkeyPatch, part: str, module: str, look_once: str
) -> None:
    """It would end the executor, and with it the exits."""
    until, looks = asyncio.Event(), []

    async def fail() -> None:
        looks.append(1)
        if len(looks) > 1:
            until.set()
        raise RuntimeError

    looking = getattr(live, part)
    monkeypatch.setattr(looking, look_once, fail)
    monkeypatch.setattr(f"executor.reconciliation.{module}.EVERY_SECONDS", 0.01)
    async with asyncio.timeout(20):
        await looking.run(until)

    assert len(looks) == 2
