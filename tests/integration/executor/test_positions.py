"""What is kept of positions, on the real database."""

from decimal import Decimal

import pytest

from executor.journal.held_positions import held, held_live, learn, mark, read_held, write_off
from executor.model.fill import Fill
from executor.model.order import ExitReason, Order
from executor.model.order_state import OrderEvent, OrderUpdate
from executor.model.position import PositionState, Sale, WatchedPosition
from executor.model.reasons import Reason, Refusal
from shared.events import Mode
from shared.postgres.database import Database
from tests.support.data.builders import NOON
from tests.support.running.executors import Executor, Time, a_coin, configure

BOUGHT = Fill(Decimal(10), Decimal("59.95"), Decimal("0.03"), "USDT", complete=True)


def sold(quantity: str, price: int = 7) -> Fill:
    amount = Decimal(quantity)
    return Fill(amount, amount * price, Decimal("0.01"), "USDT", complete=True)


async def position(executor: Executor, time: Time, name: str = "NEW") -> WatchedPosition:
    """Have *name* bought, and return what is held of it."""
    order = (await executor.decide(a_coin(name, time))).order
    assert order is not None
    await executor.books.record(order, OrderUpdate(OrderEvent.FOUND_FILLED, fill=BOUGHT))
    return await found(executor, name)


async def found(executor: Executor, name: str = "NEW") -> WatchedPosition:
    [each] = [each for each in await held(executor.database) if each.position.listing.base_asset == name]
    return each


async def sale(executor: Executor, reason: ExitReason = ExitReason.STOP_LOSS, *, beside: bool = False) -> Order:
    each = await found(executor)
    order = await executor.journal.sell(
        each.position, each.position.base_qty, reason, price_min=Decimal("6.5"), beside=beside
    )
    assert order is not None
    return order


async def at_stake(executor: Executor) -> Decimal:
    return (await executor.stake(Mode.DRY_RUN)).held_usdt


async def test_the_first_look_says_what_a_stop_is_measured_from_and_later_ones_only_raise_it(
    executor: Executor, time: Time
) -> None:
    bought = (await position(executor, time)).position
    paid = bought.average_price

    await learn(executor.database, bought, Decimal("5.1"), Decimal("5.1"))
    first = (await found(executor)).position
    await learn(executor.database, first, Decimal("5.05"), Decimal("5.6"))
    second = (await found(executor)).position

    assert (bought.stop_reference, bought.peak_price) == (None, paid)
    assert (first.stop_reference, first.peak_price) == (Decimal("5.1"), Decimal("5.1"))
    assert (second.stop_reference, second.peak_price) == (Decimal("5.1"), Decimal("5.6"))


async def test_a_state_changes_only_from_the_one_that_was_known(executor: Executor, time: Time) -> None:
    bought = (await position(executor, time)).position

    assert await mark(executor.database, bought, PositionState.DUST, "why")
    assert not await mark(executor.database, bought, PositionState.EXTERNAL, "late")
    assert (await found(executor)).position.note == "why"


@pytest.mark.parametrize("state", [PositionState.DUST, PositionState.EXTERNAL, PositionState.UNSELLABLE])
async def test_what_is_marked_costs_what_it_cost_until_a_person_writes_it_off(
    database: Database, executor: Executor, time: Time, state: PositionState
) -> None:
    bought = (await position(executor, time)).position
    await mark(database, bought, state, "why")
    before = await at_stake(executor)

    assert await write_off(database, (await found(executor)).position, NOON)
    assert not await write_off(database, bought, NOON)
    async with database.connection() as connection:
        [left] = await connection.fetch("SELECT state, written_off_from, base_qty FROM positions")
    assert tuple(left) == ("written_off", state, bought.base_qty)
    assert (before, await at_stake(executor)) == (bought.cost_usdt, Decimal(0))
    assert await held(database) == []


async def test_nothing_is_written_off_while_a_sale_may_still_bring_something(
    database: Database, executor: Executor, time: Time
) -> None:
    bought = (await position(executor, time)).position
    order = await sale(executor)

    assert not await write_off(database, bought, NOON)

    await executor.books.record(order, OrderUpdate(OrderEvent.FOUND_UNFILLED))

    assert await write_off(database, bought, NOON)
    assert await at_stake(executor) == 0


async def test_the_room_of_a_position_that_is_only_dust_is_not_given_away(
    database: Database, executor: Executor, time: Time
) -> None:
    await configure(database, "max_position_usdt = 100, max_trade_usdt = 100")
    bought = (await position(executor, time)).position
    await mark(database, bought, PositionState.DUST, "why")

    assert (await executor.decide(a_coin("NEXT", time))).reason == "max_position"


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (PositionState.OPEN, "base_asset_held"),
        (PositionState.EXTERNAL, "base_asset_held"),
        (PositionState.UNSELLABLE, "base_asset_held"),
        (PositionState.DUST, ""),
    ],
)
async def test_a_coin_that_is_held_is_not_bought_again_and_dust_is_no_hindrance(
    database: Database, executor: Executor, time: Time, state: PositionState, reason: str
) -> None:
    bought = (await position(executor, time)).position
    await mark(database, bought, state, "why")
    again = a_coin("NEW", time, symbol="NEWUSDC", quote_asset="USDC", key="NEWUSDC:1")
    executor.settings.__dict__["quote_assets"] = frozenset({"USDT", "USDC"})

    assert (await executor.decide(again)).reason == reason


async def test_the_floor_of_a_sale_is_kept_and_the_rest_of_a_take_profit_has_it_too(
    executor: Executor, time: Time
) -> None:
    await position(executor, time)
    first = await sale(executor, ExitReason.TAKE_PROFIT)
    await executor.books.record(first, OrderUpdate(OrderEvent.FOUND_PARTLY_FILLED, fill=sold("4")))
    rest = await found(executor)
    second = await sale(executor, ExitReason.REMAINDER)
    await executor.books.record(second, OrderUpdate(OrderEvent.FOUND_PARTLY_FILLED, fill=sold("1")))

    assert (rest.floor, (await found(executor)).floor) == (Decimal("6.5"), Decimal("6.5"))
    [row] = [each for each in await executor.rows() if each["client_order_id"] == second.client_order_id]
    assert row["price_min"] == Decimal("6.5")


async def test_the_rest_of_a_stop_has_no_floor_of_its_own(executor: Executor, time: Time) -> None:
    await position(executor, time)
    await executor.books.record(await sale(executor), OrderUpdate(OrderEvent.FOUND_PARTLY_FILLED, fill=sold("4")))

    assert (await found(executor)).floor is None


async def test_the_last_sale_says_why_nothing_was_sold(executor: Executor, time: Time) -> None:
    never = (await position(executor, time)).last_sale
    order = await sale(executor)
    under_way = (await found(executor)).last_sale
    await executor.books.record(order, OrderUpdate(OrderEvent.LAPSED, why=Refusal(Reason.NOT_OPEN, "30000")))
    last = (await found(executor)).last_sale

    assert never is None
    assert under_way is not None
    assert last is not None
    assert (under_way.state, last.state, last.found_no_trading) == ("sending", "expired", True)


async def test_a_sale_that_is_at_large_is_known_as_such_also_after_a_later_one_has_ended(
    executor: Executor, time: Time
) -> None:
    await position(executor, time)
    doubted = await sale(executor)
    await executor.books.record(doubted, OrderUpdate(OrderEvent.UNANSWERED))
    beside = await sale(executor, beside=True)
    during = await found(executor)
    await executor.books.record(
        beside, OrderUpdate(OrderEvent.REJECTED, why=Refusal(Reason.INSUFFICIENT_BALANCE, "30005"))
    )
    after = await found(executor)
    await executor.books.record(doubted, OrderUpdate(OrderEvent.FOUND_UNFILLED))
    none = await found(executor)

    assert during.sale_at_large == Sale(2, "sending")
    assert (after.sale_at_large, after.last_sale) == (
        Sale(1, "unknown"),
        Sale(2, "rejected", "insufficient_balance: 30005"),
    )
    assert (none.sale_at_large, none.position.state) == (None, PositionState.OPEN)


async def test_another_sale_is_committed_only_where_it_is_meant_to_be_beside_one_in_doubt(
    executor: Executor, time: Time
) -> None:
    await position(executor, time)
    order = await sale(executor)
    await executor.books.record(order, OrderUpdate(OrderEvent.UNANSWERED))
    each = await found(executor)

    assert await executor.journal.sell(each.position, Decimal(1), ExitReason.STOP_LOSS) is None
    assert await executor.journal.sell(each.position, Decimal(1), ExitReason.STOP_LOSS, beside=True) is not None


@pytest.mark.parametrize("first_filled", [True, False])
async def test_two_sales_of_which_one_was_in_doubt_are_booked_once_each_and_never_below_nothing(
    executor: Executor, time: Time, first_filled: bool
) -> None:
    """M7."""
    await position(executor, time)
    doubted = await sale(executor)
    await executor.books.record(doubted, OrderUpdate(OrderEvent.UNANSWERED))
    beside = await sale(executor, beside=True)
    orders = [doubted, beside] if first_filled else [beside, doubted]
    await executor.books.record(orders[0], OrderUpdate(OrderEvent.FOUND_PARTLY_FILLED, fill=sold("4")))
    between = await found(executor)
    await executor.books.record(orders[1], OrderUpdate(OrderEvent.FOUND_FILLED, fill=sold("6")))

    assert (between.position.state, between.position.base_qty) == (PositionState.CLOSING, Decimal(6))
    assert await held(executor.database) == []
    assert await at_stake(executor) == 0


async def test_a_sale_that_is_found_after_another_sold_everything_opens_nothing_and_counts_what_it_brought(
    database: Database, executor: Executor, time: Time
) -> None:
    """M7."""
    await position(executor, time)
    doubted = await sale(executor)
    await executor.books.record(doubted, OrderUpdate(OrderEvent.UNANSWERED))
    await executor.books.record(
        await sale(executor, beside=True), OrderUpdate(OrderEvent.FOUND_FILLED, fill=sold("10"))
    )
    await executor.books.record(doubted, OrderUpdate(OrderEvent.FOUND_PARTLY_FILLED, fill=sold("2")))

    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM positions")
    assert row is not None
    assert (row["state"], row["base_qty"], row["received_usdt"]) == ("closed", 0, Decimal("83.98"))
    assert await at_stake(executor) == 0


async def test_rows_that_cannot_be_read_are_set_aside_by_name(
    database: Database, executor: Executor, time: Time
) -> None:
    """M14: a newer version wrote one."""
    await position(executor, time, "WELL")
    await position(executor, time, "ODD")
    async with database.connection() as connection:
        await connection.execute("UPDATE positions SET listing = '{}'::jsonb WHERE base_asset = 'ODD'")

    reading = await read_held(database)

    assert [each.position.listing.base_asset for each in reading.held] == ["WELL"]
    assert list(reading.unreadable) == ["ODDUSDT:1 dry-run"]


async def test_what_is_marked_still_explains_what_the_account_holds(
    database: Database, executor: Executor, time: Time
) -> None:
    await configure(database, "auto_trade = true")
    bought = (await position(executor, time)).position
    await mark(database, bought, PositionState.UNSELLABLE, "why")
    marked = await held_live(database)
    await write_off(database, bought, NOON)

    assert marked == {"NEW": bought.base_qty}
    assert await held_live(database) == marked
