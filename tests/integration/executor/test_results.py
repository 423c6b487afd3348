"""What positions and days come to, on the real database, whichever asset fees are taken in."""

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal
from typing import Any

import pytest
from asyncpg import Record

from executor.journal import settlement
from executor.journal.held_positions import held, write_off
from executor.model.fill import Fill
from executor.model.order import ExitReason, Order
from executor.model.order_state import OrderEvent, OrderUpdate
from executor.reconciliation.fee_prices import AGE_MAX, FeePrices
from shared.mexc.errors import ExchangeRejected, ExchangeUnavailable
from shared.postgres.database import Database
from tests.support.running.executors import Executor, Time, a_coin

RESULTS = "SELECT * FROM position_results"
DAY = "SELECT result_day, day_result_usdt FROM exposure WHERE mode = 'dry-run'"


def a_fill(quantity: str, cost: str, fee: str = "0", asset: str = "USDT", **others: str) -> Fill:
    fees = {name: Decimal(amount) for name, amount in others.items()}
    return Fill(Decimal(quantity), Decimal(cost), Decimal(fee), asset, complete=True, other_fees=fees)


async def buys(executor: Executor, time: Time, fill: Fill) -> None:
    order = (await executor.decide(a_coin("NEW", time))).order
    assert order is not None
    await executor.books.record(order, OrderUpdate(OrderEvent.FOUND_FILLED, fill=fill, answered_at=time()))


async def sells(executor: Executor, time: Time, fill: Fill, *, event: OrderEvent = OrderEvent.FOUND_FILLED) -> Order:
    [each] = await held(executor.database)
    order = await executor.journal.sell(each.position, each.position.base_qty, ExitReason.STOP_LOSS)
    assert order is not None
    await executor.books.record(order, OrderUpdate(event, fill=fill, answered_at=time()))
    return order


async def one(database: Database, query: str) -> Record | None:
    async with database.connection() as connection:
        rows: list[Record] = await connection.fetch(query)
    assert len(rows) <= 1
    return rows[0] if rows else None


async def result(database: Database) -> dict[str, Any]:
    row = await one(database, RESULTS)
    assert row is not None
    return dict(row)


@pytest.mark.parametrize(
    ("bought", "sold", "gain", "percent"),
    [
        # 100 paid and 0.05 of fee; 110 received less 0.055.
        (a_fill("50", "100", "0.05"), a_fill("50", "110", "0.055"), "9.895", "9.89005"),
        # Half a per cent of the coins was taken: fewer are sold, and that is all.
        (a_fill("50", "100", "0.25", "NEW"), a_fill("49.75", "109.45", "0.055"), "9.395", "9.395"),
        # Both at once, and less than a cent.
        (a_fill("50", "100", "0.01", "NEW", USDT="0.004"), a_fill("49.99", "99", "0.0001"), "-1.0041", "-1.00406"),
    ],
)
async def test_a_closed_position_has_its_gain_with_fees_of_coin_and_quote_to_the_last_digit(
    executor: Executor, time: Time, bought: Fill, sold: Fill, gain: str, percent: str
) -> None:
    await buys(executor, time, bought)
    assert await one(executor.database, RESULTS) is None

    await sells(executor, time, sold)

    closed = await result(executor.database)
    assert closed["result_usdt"] == Decimal(gain)
    assert round(closed["result_pct"], 5) == Decimal(percent)
    assert closed["fees_unknown"] is False


async def test_a_position_sold_in_parts_has_one_result(executor: Executor, time: Time) -> None:
    await buys(executor, time, a_fill("50", "100", "0.05"))
    await sells(executor, time, a_fill("20", "50", "0.025"), event=OrderEvent.FOUND_PARTLY_FILLED)
    await sells(executor, time, a_fill("30", "30", "0.015"))

    assert (await result(executor.database))["result_usdt"] == Decimal("-20.09")


async def test_what_is_written_off_is_lost(executor: Executor, time: Time) -> None:
    await buys(executor, time, a_fill("50", "100", "0.05"))
    [each] = await held(executor.database)

    await write_off(executor.database, each.position, time())

    day = await one(executor.database, DAY)
    assert day is not None
    assert (await result(executor.database))["result_usdt"] == Decimal("-100.05")
    assert tuple(day) == (time().astimezone(UTC).date(), Decimal("-100.05"))


async def test_a_position_that_another_version_helped_to_sell_has_no_invented_result(
    executor: Executor, time: Time
) -> None:
    await buys(executor, time, a_fill("50", "100", "0.05"))
    await sells(executor, time, a_fill("50", "110", "0.055"))
    async with executor.database.connection() as connection:
        # As one that does not know of the column leaves it.
        await connection.execute("UPDATE positions SET proceeds = 0")

    assert await one(executor.database, RESULTS) is None


async def day_result(executor: Executor) -> Decimal:
    day = await one(executor.database, DAY)
    assert day is not None
    return Decimal(day["day_result_usdt"])


def prices(executor: Executor, time: Time, price: Decimal | Exception | None) -> FeePrices:
    async def price_of(symbol: str) -> Decimal | None:
        assert symbol == "MXUSDT"
        if isinstance(price, Exception):
            raise price
        return price

    return FeePrices(executor.database, price_of, now=time)


async def test_a_fee_in_another_asset_counts_at_its_price_then(executor: Executor, time: Time) -> None:
    await buys(executor, time, a_fill("50", "100", "0.02", "MX"))
    await sells(executor, time, a_fill("50", "110", "0.022", "MX"))
    unvalued = await result(executor.database)

    await prices(executor, time, Decimal("2.5")).look()
    valued = await result(executor.database)
    day = await one(executor.database, DAY)

    assert (unvalued["result_usdt"], unvalued["fees_unknown"]) == (10, True)
    assert (valued["result_usdt"], valued["fees_unknown"]) == (Decimal("9.895"), False)
    assert valued["other_fees_usdt"] == Decimal("0.105")
    assert day is not None
    # Each fee in whole cents, rounded against us: 5 and 5.5.
    assert day["day_result_usdt"] == Decimal("9.89")


async def test_a_fee_of_less_than_half_a_cent_counts_against_the_days_result(executor: Executor, time: Time) -> None:
    await buys(executor, time, a_fill("50", "100", "0.0016", "MX"))

    await prices(executor, time, Decimal("2.5")).look()

    assert await day_result(executor) == Decimal("-0.01")


@pytest.mark.parametrize("price", [None, ExchangeUnavailable("away"), ExchangeRejected(-1121, "Invalid symbol")])
async def test_a_fee_whose_price_nobody_knows_in_time_is_marked_and_never_invented(
    executor: Executor, time: Time, price: Exception | None
) -> None:
    await buys(executor, time, a_fill("50", "100", "0.02", "MX"))
    await sells(executor, time, a_fill("50", "110", "0.022", "USDT"))

    await prices(executor, time, price).look()
    time.pass_by(AGE_MAX.total_seconds() + 1)
    await prices(executor, time, Decimal("2.5")).look()

    closed = await result(executor.database)
    assert (closed["result_usdt"], closed["other_fees_usdt"], closed["fees_unknown"]) == (Decimal("9.978"), 0, True)
    async with executor.database.connection() as connection:
        assert await connection.fetchval("SELECT given_up_at IS NOT NULL FROM other_fees")


async def test_a_fee_in_another_dollar_is_dollars(executor: Executor, time: Time) -> None:
    await buys(executor, time, a_fill("50", "100", "0.05", "USDC"))
    await sells(executor, time, a_fill("50", "110", "0.055"))

    closed = await result(executor.database)
    assert (closed["result_usdt"], closed["fees_unknown"]) == (Decimal("9.895"), False)


async def test_a_fee_in_another_dollar_counts_in_the_days_result(executor: Executor, time: Time) -> None:
    order = (await executor.decide(a_coin("NEW", time))).order
    assert order is not None
    told = OrderUpdate(OrderEvent.FOUND_FILLED, fill=a_fill("50", "100", "0.052", "USDC"), answered_at=time())

    await executor.books.record(order, told)
    await executor.books.record(order, told)
    await prices(executor, time, ExchangeUnavailable("not to be asked")).look()

    assert await day_result(executor) == Decimal("-0.06")


@pytest.mark.parametrize("asset", ["MX", "USDC"])
async def test_a_fee_that_was_recorded_before_is_not_charged_again(executor: Executor, time: Time, asset: str) -> None:
    order = (await executor.decide(a_coin("NEW", time))).order
    assert order is not None
    fill = a_fill("50", "100", "0.02", asset)
    for _ in range(2):
        async with executor.database.transaction() as connection:
            await settlement.add(connection, order, fill)
    for _ in range(2):
        await prices(executor, time, Decimal(1)).look()

    assert await day_result(executor) == Decimal("-0.02")


async def test_a_fee_of_an_order_whose_answer_was_lost_is_priced_by_the_time_of_its_trade(
    executor: Executor, time: Time
) -> None:
    order = (await executor.decide(a_coin("NEW", time))).order
    assert order is not None
    time.pass_by(58)
    fill = replace(a_fill("50", "100", "0.02", "MX"), traded_at=time())
    await executor.books.record(order, OrderUpdate(OrderEvent.FOUND_FILLED, fill=fill))
    time.pass_by(5)

    await prices(executor, time, Decimal("2.5")).look()

    assert await day_result(executor) == Decimal("-0.05")


async def test_no_fee_is_older_than_the_decision_on_its_order(executor: Executor, time: Time) -> None:
    order = (await executor.decide(a_coin("NEW", time))).order
    assert order is not None
    fill = replace(a_fill("50", "100", "0.02", "MX"), traded_at=time() - timedelta(days=9))
    await executor.books.record(order, OrderUpdate(OrderEvent.FOUND_FILLED, fill=fill))

    await prices(executor, time, Decimal("2.5")).look()

    assert await day_result(executor) == Decimal("-0.05")


async def test_sales_count_for_the_day_of_their_decision_and_a_day_that_is_over_stays_over(
    executor: Executor, time: Time
) -> None:
    await buys(executor, time, a_fill("50", "100"))
    await sells(executor, time, a_fill("20", "30"), event=OrderEvent.FOUND_PARTLY_FILLED)
    first = await one(executor.database, DAY)
    [each] = await held(executor.database)
    late = await executor.journal.sell(each.position, Decimal(10), ExitReason.STOP_LOSS)
    time.pass_by(timedelta(days=1).total_seconds())
    await sells_beside(executor, time, late)
    second = await one(executor.database, DAY)

    today = time().astimezone(UTC).date()
    assert first is not None
    assert second is not None
    assert tuple(first) == (today - timedelta(days=1), Decimal("-10.00"))
    assert tuple(second) == (today, Decimal("-5.00"))


async def sells_beside(executor: Executor, time: Time, late: Order | None) -> None:
    """Sell 10 for 15 today, and learn only then that the *late* sale of yesterday brought 5."""
    assert late is not None
    [each] = await held(executor.database)
    order = await executor.journal.sell(each.position, Decimal(10), ExitReason.STOP_LOSS, beside=True)
    assert order is not None
    told = OrderUpdate(OrderEvent.FOUND_FILLED, fill=a_fill("10", "15"), answered_at=time())
    await executor.books.record(order, told)
    await executor.books.record(late, OrderUpdate(OrderEvent.FOUND_FILLED, fill=a_fill("10", "5")))
