"""Each step of an order's life, with its money, on the real database."""

import asyncio
from decimal import Decimal

import pytest

from executor.journal.held_positions import held
from executor.model.fill import Fill
from executor.model.order import ExitReason, Order
from executor.model.order_state import OrderEvent, OrderState, OrderUpdate
from executor.model.reasons import Reason, Refusal
from shared.events import Mode
from shared.postgres.database import Database
from tests.support.running.executors import Executor, Time, a_coin, configure, trades

FILL = Fill(Decimal(10), Decimal("59.95"), Decimal("0.029975"), "USDT", complete=True)
PART = Fill(Decimal(4), Decimal("24.00"), Decimal("0.004"), "NEW", complete=False)
ENDS = [
    (OrderEvent.DENIED, OrderState.REJECTED),
    (OrderEvent.REJECTED, OrderState.REJECTED),
    (OrderEvent.LAPSED, OrderState.EXPIRED),
    (OrderEvent.UNSENT, OrderState.FAILED),
    (OrderEvent.FOUND_UNFILLED, OrderState.EXPIRED),
]


async def bought(executor: Executor, time: Time, name: str = "NEW") -> Order:
    order = (await executor.decide(a_coin(name, time))).order
    assert order is not None
    return order


async def money(executor: Executor) -> tuple[str, str]:
    stake = await executor.stake(Mode.DRY_RUN)
    return str(stake.reserved_usdt), str(stake.held_usdt)


async def test_a_fill_opens_a_position_moves_what_it_spent_and_releases_the_rest(
    executor: Executor, time: Time
) -> None:
    order = await bought(executor, time)

    after = await executor.books.record(order, OrderUpdate(OrderEvent.FOUND_FILLED, fill=FILL))

    [row], [position] = await executor.rows(), await held(executor.database)
    assert after is not None
    assert (after.state, row["executed_qty"], row["cost"], row["fee_asset"]) == ("filled", 10, FILL.cost, "USDT")
    assert (position.position.base_qty, position.position.cost_usdt) == (Decimal(10), Decimal("59.98"))
    assert await money(executor) == ("0.00", "59.98")


async def test_a_fee_taken_in_coins_leaves_fewer_of_them(executor: Executor, time: Time) -> None:
    order = await bought(executor, time)

    await executor.books.record(order, OrderUpdate(OrderEvent.FOUND_PARTLY_FILLED, fill=PART))

    [position] = await held(executor.database)
    assert (position.position.base_qty, position.position.cost_usdt) == (Decimal("3.996"), Decimal("24.00"))
    assert await money(executor) == ("0.00", "24.00")


@pytest.mark.parametrize(("event", "state"), ENDS)
async def test_an_order_that_got_nothing_releases_its_reservation(
    executor: Executor, time: Time, event: OrderEvent, state: OrderState
) -> None:
    order = await bought(executor, time)

    after = await executor.books.record(order, OrderUpdate(event, why=Refusal(Reason.REFUSED, "why")))

    assert after is not None
    assert (after.state, await money(executor)) == (state, ("0.00", "0.00"))


async def test_what_was_released_may_be_spent_again_the_same_day(
    database: Database, executor: Executor, time: Time
) -> None:
    order = await bought(executor, time)
    await executor.books.record(order, OrderUpdate(OrderEvent.UNSENT))

    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT * FROM exposure WHERE mode = 'dry-run'")
    assert row is not None
    assert (row["day_spent_usdt"], row["day_orders"]) == (0, 1)


@pytest.mark.parametrize("event", [OrderEvent.UNANSWERED, OrderEvent.ACCEPTED])
async def test_what_may_be_at_the_exchange_keeps_its_reservation(
    executor: Executor, time: Time, event: OrderEvent
) -> None:
    order = await bought(executor, time)

    await executor.books.record(order, OrderUpdate(event, exchange_order_id="X1", why=Refusal(Reason.REFUSED, "why")))

    assert await money(executor) == ("100.00", "0.00")
    assert [each.client_order_id for each in await executor.books.at_large(["dry-run"])] == [order.client_order_id]


async def test_the_first_outcome_stands_and_settles_once(database: Database, executor: Executor, time: Time) -> None:
    order = await bought(executor, time)
    told = OrderUpdate(OrderEvent.FOUND_FILLED, fill=FILL)

    taken = await asyncio.gather(
        *(executor.books.record(order, told) for _ in range(8)),
        *(executor.books.record(order, OrderUpdate(OrderEvent.UNSENT)) for _ in range(8)),
    )

    [winner] = [each for each in taken if each is not None]
    assert await money(executor) == (("0.00", "59.98") if winner.state is OrderState.FILLED else ("0.00", "0.00"))
    assert [each["id"].rpartition(".")[2] for each in await trades(database)] == [winner.state]


async def test_a_fill_beyond_what_was_reserved_counts_whole_and_leaves_no_room(
    database: Database, executor: Executor, time: Time
) -> None:
    """A fee that is higher than we know: the truth counts, and what follows is refused."""
    await configure(database, "max_position_usdt = 200")
    first, second = await bought(executor, time, "ONE"), await bought(executor, time, "TWO")
    dear = Fill(Decimal(50), Decimal(100), Decimal("0.20"), "USDT", complete=True)

    for order in (first, second):
        await executor.books.record(order, OrderUpdate(OrderEvent.FOUND_FILLED, fill=dear))

    assert await money(executor) == ("0.00", "200.40")
    assert (await executor.decide(a_coin("NEW", time))).reason == "max_position"


async def test_deciders_and_enders_at_once_keep_the_books_straight(
    database: Database, executor: Executor, time: Time
) -> None:
    async def buy_and_end(number: int) -> None:
        listing = a_coin(f"NEW{number // 2}", time)  # Each comes twice, at once.
        order = (await executor.decide(listing)).order
        if order is not None:
            event = OrderEvent.FOUND_FILLED if number % 4 < 2 else OrderEvent.UNSENT
            await executor.books.record(
                order, OrderUpdate(event, fill=FILL if event is OrderEvent.FOUND_FILLED else None)
            )

    await configure(database, "max_position_usdt = 400")
    await asyncio.gather(*(buy_and_end(number) for number in range(40)))

    filled = [row for row in await executor.rows() if row["state"] == "filled"]
    assert 0 < len(filled) <= 6
    assert await money(executor) == ("0.00", str(Decimal("59.98") * len(filled)))


@pytest.mark.parametrize("event", [OrderEvent.UNSENT, OrderEvent.UNANSWERED])
async def test_so_many_failures_in_a_row_halt_the_mode(
    database: Database, executor: Executor, time: Time, event: OrderEvent
) -> None:
    for number in range(executor.settings.failures_max):
        await executor.books.record(await bought(executor, time, f"BAD{number}"), OrderUpdate(event))

    assert (await executor.decide(a_coin("TOO", time))).reason == (
        "halted: failures: 5 orders in a row failed, or their outcome was unknown"
    )


async def test_an_order_that_went_well_ends_the_row_of_failures(executor: Executor, time: Time) -> None:
    for number in range(executor.settings.failures_max - 1):
        await executor.books.record(await bought(executor, time, f"BAD{number}"), OrderUpdate(OrderEvent.UNSENT))
    await executor.books.record(await bought(executor, time, "GOOD"), OrderUpdate(OrderEvent.ACCEPTED))
    await executor.books.record(await bought(executor, time, "BAD9"), OrderUpdate(OrderEvent.UNSENT))

    assert (await executor.decide(a_coin("NEW", time))).outcome == "buy"


async def test_selling_a_part_frees_its_share_and_selling_the_rest_frees_all(executor: Executor, time: Time) -> None:
    order = await bought(executor, time)
    await executor.books.record(order, OrderUpdate(OrderEvent.FOUND_FILLED, fill=FILL))
    freed = []
    for quantity in (Decimal(3), Decimal(7)):
        [each] = await held(executor.database)
        sale = await executor.journal.sell(each.position, each.position.base_qty, ExitReason.BY_HAND)
        assert sale is not None
        fill = Fill(quantity, quantity * 7, Decimal("0.01"), "USDT", complete=quantity == 7)
        event = OrderEvent.FOUND_FILLED if fill.complete else OrderEvent.FOUND_PARTLY_FILLED
        await executor.books.record(sale, OrderUpdate(event, fill=fill))
        freed.append((await money(executor))[1])

    assert freed == ["41.99", "0.00"]
    assert await held(executor.database) == []
    assert [row["sequence"] for row in await executor.rows()] == [1, 1, 2]


async def test_a_position_is_sold_by_one_of_many(executor: Executor, time: Time) -> None:
    order = await bought(executor, time)
    await executor.books.record(order, OrderUpdate(OrderEvent.FOUND_FILLED, fill=FILL))
    [each] = await held(executor.database)

    sales = await asyncio.gather(
        *(executor.journal.sell(each.position, each.position.base_qty, ExitReason.BY_HAND) for _ in range(10))
    )

    assert [sale is not None for sale in sales].count(True) == 1


async def test_what_was_too_little_to_sell_stays_a_position_and_what_it_cost_stays_at_stake(
    database: Database, executor: Executor, time: Time
) -> None:
    order = await bought(executor, time)
    await executor.books.record(order, OrderUpdate(OrderEvent.FOUND_FILLED, fill=FILL))
    [each] = await held(executor.database)
    sale = await executor.journal.sell(each.position, each.position.base_qty, ExitReason.BY_HAND)
    assert sale is not None

    await executor.books.record(
        sale, OrderUpdate(OrderEvent.REJECTED, why=Refusal(Reason.BELOW_MINIMUM, "1 of the quote asset"))
    )

    async with database.connection() as connection:
        row = await connection.fetchrow("SELECT state, base_qty FROM positions")
    assert row is not None
    assert (row["state"], row["base_qty"], await money(executor)) == ("open", 10, ("0.00", "59.98"))


async def test_misses_are_counted_in_a_row(executor: Executor, time: Time) -> None:
    order = await bought(executor, time)
    before = await executor.books.missed(order)
    await executor.books.record(order, OrderUpdate(OrderEvent.UNANSWERED))

    assert [before, await executor.books.missed(order), await executor.books.missed(order)] == [0, 1, 2]
    await executor.books.record(order, OrderUpdate(OrderEvent.ACCEPTED, exchange_order_id="X1"))
    [row] = await executor.rows()
    assert row["misses"] == 0
