"""An answer that proves nothing: the order is looked for, and only what is proven absent goes out again."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from executor.journal.held_positions import held
from executor.model.order import ExitReason, Order
from executor.model.order_state import OrderEvent, OrderState, OrderUpdate
from executor.model.reasons import Reason, Refusal
from executor.sending.absence_check import BESIDE_WAIT_SECONDS
from executor.settings import ExecutorSettings
from executor.venues.venue import Way
from shared.events import Mode
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.orders.order_reports import Balance
from shared.postgres.database import Database
from tests.support.data.builders import a_symbol_info
from tests.support.fakes.venues import Behaviour, ModelExchange, ModelVenue
from tests.support.running.executors import Executor, Time, a_coin, configure, trades
from tests.waiting import eventually

SOON: dict[str, Any] = {"recv_window_ms": 100, "protection_seconds": 0.3, "absent_reads": 2}
"""A proof takes less than the two seconds after which a halt that was not read holds."""


class Account:
    """What the account of a `ModelExchange` that began with nothing holds; orders that are open lock nothing."""

    def __init__(self, exchange: ModelExchange) -> None:
        self._exchange = exchange

    async def balances(self) -> Mapping[str, Balance]:
        coins: dict[str, Decimal] = {}
        for entry in self._exchange.entries:
            coin = entry.order.listing.base_asset
            got = Decimal(0) if entry.fill is None else entry.fill.base_qty
            coins[coin] = coins.get(coin, Decimal(0)) + (got if entry.order.side == "BUY" else -got)
        return {coin: Balance(amount, Decimal(0)) for coin, amount in coins.items()}


async def an_executor(database: Database, exchange: ModelExchange, time: Time, **settings: Any) -> Executor:
    await configure(database, "auto_trade = true")
    return Executor(database, exchange, time, ExecutorSettings.model_validate(SOON | settings))


def a_venue(executor: Executor) -> ModelVenue:
    found = executor.venues[Mode.LIVE]
    assert isinstance(found, ModelVenue)
    return found


async def states(executor: Executor) -> list[tuple[str, str, str]]:
    """Side, state and reason of every order."""
    rows = await executor.rows()
    return [(row["side"], row["state"], (row["error_reason"] or "").partition(":")[0]) for row in rows]


async def settled(executor: Executor) -> None:
    for _ in range(18):
        await executor.resolve()
        executor.time.pass_by(10)


async def test_an_order_that_was_taken_and_answered_as_busy_is_found_and_not_sent_again(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time)
    exchange.script.append(Behaviour.TAKE_AND_BE_BUSY)

    await executor.buy(a_coin("NEW", time))
    await executor.resolve()

    assert await states(executor) == [("BUY", "filled", "")]
    assert len(exchange.received) == 1
    assert str((await executor.stake(Mode.LIVE)).held_usdt) == "95.23"


async def test_an_order_that_shows_only_after_a_while_is_found_before_it_counts_as_absent(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time)
    exchange.script.append(Behaviour.TAKE_AND_BE_BUSY)
    exchange.read_lag = timedelta(seconds=0.35)

    await executor.buy(a_coin("NEW", time))
    await executor.resolve()

    assert (await states(executor), len(exchange.received)) == ([("BUY", "filled", "")], 1)


async def test_an_order_that_is_proven_absent_goes_out_again(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time)
    exchange.script.append(Behaviour.BUSY)
    received_at = []

    async def note(*_: object) -> None:
        received_at.append(time.now_ms())

    exchange.on_request = note
    await executor.buy(a_coin("NEW", time))
    await executor.resolve()

    assert (await states(executor), exchange.repeated()) == ([("BUY", "filled", "")], [])
    first, second = received_at
    assert second - first > 400  # The window, and the time for which it may be hidden.


async def test_an_order_in_doubt_is_looked_for_among_all_orders_and_trades_before_it_goes_out_again(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time)
    exchange.script.append(Behaviour.BUSY)
    asked = a_venue(executor).asked
    looks_before: list[int] = []

    async def note(*_: object) -> None:
        looks_before.append(len(asked))

    exchange.on_request = note
    await executor.buy(a_coin("NEW", time))

    first, second = looks_before
    *cheap, decisive = [set(ways) for _, ways in asked[first:second]]
    assert decisive >= {Way.CLIENT_ID, Way.OPEN_ORDERS, Way.ALL_ORDERS, Way.TRADES}
    assert len(cheap) >= 1
    assert all(ways.isdisjoint({Way.ALL_ORDERS, Way.TRADES}) for ways in cheap)


async def test_an_order_in_doubt_for_long_is_looked_for_by_the_dear_ways_before_the_proof_is_complete(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    """Filled, and shown by the list of all orders alone: the sooner it is found, the sooner it is watched."""
    executor = await an_executor(database, exchange, time, protection_seconds=30)
    exchange.script.append(Behaviour.TAKE_AND_BE_BUSY)
    exchange.hidden_from = set(Way) - {Way.ALL_ORDERS}

    async def later(*_: object) -> None:
        asyncio.get_running_loop().call_later(1.5, time.pass_by, 5)

    exchange.on_request = later
    async with asyncio.timeout(20):
        await executor.buy(a_coin("NEW", time))

    assert await states(executor) == [("BUY", "acknowledged", "")]
    assert len(exchange.received) == 1


@pytest.mark.parametrize("way", [Way.ALL_ORDERS, Way.TRADES])
async def test_an_order_that_one_dear_way_alone_shows_is_found_and_not_sent_again(
    database: Database, exchange: ModelExchange, time: Time, way: Way
) -> None:
    executor = await an_executor(database, exchange, time)
    exchange.script.append(Behaviour.TAKE_AND_BE_BUSY)
    exchange.hidden_from = set(Way) - {way}

    await executor.buy(a_coin("NEW", time))

    assert await states(executor) == [("BUY", "acknowledged", "")]
    assert len(exchange.received) == 1


@pytest.mark.parametrize("behaviour", [Behaviour.BUSY, Behaviour.TAKE_AND_BE_BUSY])
async def test_an_order_that_cannot_be_proven_absent_in_its_time_is_left_in_doubt_at_once(
    database: Database, exchange: ModelExchange, time: Time, behaviour: Behaviour
) -> None:
    executor = await an_executor(database, exchange, time, protection_seconds=100)
    exchange.script.append(behaviour)
    exchange.read_lag = timedelta(seconds=30)

    await executor.buy(a_coin("NEW", time))

    assert await states(executor) == [("BUY", "unknown", "outcome_unknown")]
    assert (await executor.stake(Mode.LIVE)).reserved_usdt == 100
    await settled(executor)
    end = ("filled", "") if behaviour is Behaviour.TAKE_AND_BE_BUSY else ("failed", "never_arrived")
    assert await states(executor) == [("BUY", *end)]
    assert len(exchange.received) == 1


async def test_an_exchange_that_cannot_be_asked_proves_nothing(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time, retry_seconds=1, exchange_timeout_seconds=0.5)
    exchange.script.append(Behaviour.BUSY)
    listing = a_coin("NEW", time)

    async def fall(*_: object) -> None:
        exchange.down = True

    exchange.on_request = fall
    await executor.buy(listing)

    assert await states(executor) == [("BUY", "unknown", "outcome_unknown")]
    assert len(exchange.received) == 1


async def test_an_executor_that_stops_while_an_order_is_in_doubt_releases_nothing(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time, protection_seconds=20)
    exchange.script.append(Behaviour.TAKE_AND_BE_BUSY)
    exchange.read_lag = timedelta(seconds=15)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(executor.buy(a_coin("NEW", time)))
        await eventually(lambda: exchange.received)
        executor.stopping.set()

    assert await states(executor) == [("BUY", "unknown", "outcome_unknown")]
    assert (await executor.stake(Mode.LIVE)).reserved_usdt == 100


async def a_position(executor: Executor, exchange: ModelExchange, time: Time) -> None:
    await executor.buy(a_coin("NEW", time))
    await executor.resolve()
    if executor.parts.balances is not None:
        await executor.parts.balances.balances()  # A sale reads them first.


async def sell(executor: Executor) -> Order:
    [position] = await held(executor.database)
    order = await executor.journal.sell(position.position, position.position.base_qty, ExitReason.STOP_LOSS)
    assert order is not None
    await executor.look_for_halts()
    await executor.placing.place(order)
    return order


async def test_a_sale_whose_coins_lie_where_they_lay_goes_out_again_as_soon_as_the_quiet_is_over(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    exchange.account = Account(exchange)
    executor = await an_executor(database, exchange, time, protection_seconds=100)
    await a_position(executor, exchange, time)
    exchange.script.append(Behaviour.BUSY)

    await sell(executor)
    await executor.resolve()

    assert await states(executor) == [("BUY", "filled", ""), ("SELL", "filled", "")]
    assert exchange.repeated() == []


async def test_a_sale_whose_coins_are_gone_is_not_sent_again_although_it_does_not_show(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    exchange.account = Account(exchange)
    executor = await an_executor(database, exchange, time, protection_seconds=100, exchange_timeout_seconds=0.8)
    await a_position(executor, exchange, time)
    exchange.script.append(Behaviour.TAKE_AND_BE_BUSY)
    exchange.read_lag = timedelta(seconds=50)

    await sell(executor)

    assert await states(executor) == [("BUY", "filled", ""), ("SELL", "unknown", "outcome_unknown")]
    assert len(exchange.received) == 2
    await settled(executor)
    assert await states(executor) == [("BUY", "filled", ""), ("SELL", "filled", "")]


async def test_a_look_that_hangs_keeps_a_sale_from_its_successor_no_longer_than_it_may_be_sent(
    database: Database, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    exchange.account = Account(exchange)
    executor = await an_executor(database, exchange, time, sale_seconds=1.5)
    await a_position(executor, exchange, time)
    exchange.script.append(Behaviour.BUSY)

    async def hang(*_: object, **__: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(a_venue(executor), "look_up", hang)
    async with asyncio.timeout(20):
        await sell(executor)

    assert await states(executor) == [("BUY", "filled", ""), ("SELL", "unknown", "outcome_unknown")]
    assert len(exchange.received) == 2


async def test_a_refusal_that_lied_is_found_out_by_the_look_beside_the_wait(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time, retry_every_seconds=BESIDE_WAIT_SECONDS)
    exchange.script.extend([Behaviour.NOT_OPEN] * 20)

    async def take(order: Order, request: OrderRequest) -> None:
        if len(exchange.received) == 1:
            exchange._take(order, request, Behaviour.FILL)

    exchange.on_request = take
    await executor.buy(a_coin("NEW", time))
    await executor.resolve()

    assert await states(executor) == [("BUY", "filled", "")]
    assert exchange.repeated() == []
    assert len(exchange.received) <= 2


async def test_a_price_that_was_refused_is_corrected_only_after_a_look(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time)
    exchange.script.append(Behaviour.TOO_DEAR)

    async def take(order: Order, request: OrderRequest) -> None:
        exchange._take(order, request, Behaviour.FILL)

    exchange.on_request = take
    await executor.buy(a_coin("NEW", time))
    await executor.resolve()

    assert (await states(executor), len(exchange.received)) == ([("BUY", "filled", "")], 1)


async def test_a_refusal_that_the_rules_of_today_explain_is_corrected_for_a_purchase_and_a_sale(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time)
    exchange.rules = a_symbol_info("NEWUSDT", base_precision=0, quote_precision=1)
    exchange.script.append(Behaviour.WRONG_SIZE)
    await a_position(executor, exchange, time)
    exchange.rules = a_symbol_info("NEWUSDT", base_precision=0, quote_precision=0)
    exchange.script.append(Behaviour.WRONG_SIZE)

    await sell(executor)
    await executor.resolve()

    asked = [(str(each.quantity), str(each.price)) for each in exchange.received]
    assert asked[:2] == [("47.59", "2.100000"), ("47", "2.1")]
    assert asked[2:] == [("47", "1.9"), ("47", "2")]
    assert [state for _, state, _ in await states(executor)] == ["filled", "filled"]


@pytest.mark.parametrize(("lost", "stored"), [("\0", ""), ("\ud800", ""), ("…", "?")])
async def test_an_outcome_whose_words_cannot_be_stored_is_stored_without_them(
    database: Database, exchange: ModelExchange, time: Time, lost: str, stored: str
) -> None:
    executor = await an_executor(database, exchange, time)
    if lost == "…":
        await _make_ascii(database)
    order = (await executor.decide(a_coin("NEW", time))).order
    assert order is not None

    after = await executor.books.record(
        order, OrderUpdate(OrderEvent.REJECTED, why=Refusal(Reason.REFUSED, f"30099 so{lost}so"))
    )

    assert after is not None
    assert after.state is OrderState.REJECTED
    [row], [trade] = await executor.rows(), await trades(database)
    assert row["error_reason"] == trade["error_reason"] == f"refused: 30099 so{stored}so"
    assert (await executor.stake(Mode.LIVE)).reserved_usdt == 0


async def test_a_decision_whose_words_cannot_be_stored_is_stored_without_them(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time)
    await _make_ascii(database)
    listing = a_coin("NEW", time, tradable=False, not_tradable_reason="…")

    decided = await executor.decide(listing)

    assert decided.outcome == "refused"
    [row], [trade] = await executor.rows(), await trades(database)
    assert row["error_reason"] == trade["error_reason"] == "filtered: ?"


async def _make_ascii(database: Database) -> None:
    """Let the database refuse reasons as one does whose encoding lacks their characters."""
    refusing = "RAISE EXCEPTION 'character has no equivalent' USING ERRCODE = 'untranslatable_character';"
    async with database.connection() as connection:
        await connection.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NEW.error_reason ~ '[^[:ascii:]]' THEN {refusing} END IF; RETURN NEW; END $$"
        )
        await connection.execute(
            "CREATE TRIGGER refuses BEFORE INSERT OR UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION refuse()"
        )


async def barred(executor: Executor, time: Time, *names: str) -> None:
    for name in names:
        order = (await executor.decide(a_coin(name, time))).order
        if order is not None:
            await executor.books.record(
                order, OrderUpdate(OrderEvent.REJECTED, why=Refusal(Reason.PAIR_REFUSED, "26 no"))
            )


async def halts(database: Database) -> list[str]:
    async with database.connection() as connection:
        return [row["reason"] for row in await connection.fetch("SELECT reason FROM halts ORDER BY created_at")]


async def test_a_pair_that_is_barred_halts_nothing_and_three_in_a_row_do(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time)

    await barred(executor, time, "ONE", "TWO")
    before = await halts(database)
    restarted = Executor(database, exchange, time, executor.settings)
    await barred(restarted, time, "THREE")

    assert before == []
    assert await halts(database) == ["3 symbols in a row are barred to us, last THREEUSDT"]


async def test_pairs_that_are_barred_between_orders_that_are_taken_halt_nothing(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time)

    await barred(executor, time, "ONE", "TWO")
    await executor.buy(a_coin("GOOD", time))
    await barred(executor, time, "THREE", "FOUR")

    assert await halts(database) == []


async def test_after_a_resumption_barred_pairs_are_counted_anew(
    database: Database, exchange: ModelExchange, time: Time
) -> None:
    executor = await an_executor(database, exchange, time)

    await barred(executor, time, "ONE", "TWO")
    await configure(database, "resumed_at = clock_timestamp()")
    await barred(executor, time, "THREE", "FOUR")

    assert await halts(database) == []


async def test_an_order_whose_inquiry_cannot_begin_is_recorded_as_in_doubt(
    database: Database, exchange: ModelExchange, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    executor = await an_executor(database, exchange, time)

    def broken(*_: object) -> None:
        raise RuntimeError("no inquiry")

    monkeypatch.setattr("executor.sending.absence_check.AbsenceCheck.inquiry", broken)
    await executor.buy(a_coin("NEW", time))

    assert await states(executor) == [("BUY", "unknown", "outcome_unknown")]
    assert exchange.received == []
