"""The journal of orders, on the real database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from executor.journal import Exposure, Journal, Opened
from executor.order import Order, rejected, unavailable
from executor.paper import Fill
from executor.reasons import Reason
from executor.settings import ExecutorSettings
from executor.trade import trade_of
from shared.database import Database
from shared.errors import TransientError
from shared.events import Listing, Mode, Trade, TradeStatus
from tests.builders import NOON, a_listing
from tests.servers.postgres import PrivatePostgres
from tests.services import open_database
from tests.waiting import eventually

NOW = NOON + timedelta(seconds=1)
ANSWERED = NOW + timedelta(milliseconds=20)
FILL = Fill(base_qty=Decimal(10), cost=Decimal("59.95"), fee=Decimal("0.03"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture
def journal(database: Database) -> Journal:
    return a_journal(database)


def a_journal(database: Database) -> Journal:
    return Journal(database, ExecutorSettings(), now=lambda: NOW)


def listing_of(number: int) -> Listing:
    return a_listing(symbol=f"NEW{number}USDT", base_asset=f"NEW{number}")


async def configure(database: Database, assignments: str) -> None:
    async with database.connection() as connection:
        await connection.execute(f"UPDATE trade_config SET {assignments}, updated_at = now()")


async def rows(database: Database) -> list[dict[str, Any]]:
    async with database.connection() as connection:
        return [dict(row) for row in await connection.fetch("SELECT * FROM orders ORDER BY id")]


async def opened_order(journal: Journal, listing: Listing) -> Order:
    opened = await journal.open(listing, Mode.DRY_RUN)
    assert isinstance(opened.entry, Order)
    return opened.entry


async def opened_trade(journal: Journal, listing: Listing) -> Trade:
    opened = await journal.open(listing, Mode.DRY_RUN)
    assert isinstance(opened.entry, Trade)
    return opened.entry


async def exposure(journal: Journal) -> tuple[str, str]:
    found = await journal.exposure(Mode.DRY_RUN)
    return str(found.reserved_usdt), str(found.filled_usdt)


async def test_a_purchase_is_journaled_and_reserved(database: Database, journal: Journal) -> None:
    order = await opened_order(journal, a_listing())

    [row] = await rows(database)
    assert (row["listing_key"], row["mode"], row["side"], row["state"]) == ("ABCUSDT:1", "dry-run", "BUY", "sending")
    assert (row["client_order_id"], row["quote_qty"]) == (order.client_order_id, Decimal("100.00"))
    assert (row["trade"], row["decided_at"]) == (None, NOW)
    assert await exposure(journal) == ("100.00", "0.00")


async def test_the_config_that_applied_is_kept_with_the_order(database: Database, journal: Journal) -> None:
    await configure(database, "max_trade_usdt = 40, max_position_usdt = 500, auto_trade = true")

    order = await opened_order(journal, a_listing())

    [row] = await rows(database)
    assert (order.config.max_trade_usdt, order.config.max_position_usdt) == (Decimal(40), Decimal(500))
    assert (order.config.auto_trade, order.quote_qty) == (True, Decimal(40))
    assert row["config"] == order.config.model_dump(mode="json")


async def test_a_refusal_is_journaled_and_reserves_nothing(database: Database, journal: Journal) -> None:
    trade = await opened_trade(journal, a_listing(late=True))

    [row] = await rows(database)
    assert (trade.status, trade.error_reason, trade.quote_qty) == (TradeStatus.REJECTED, "stale_listing", Decimal(0))
    assert (row["state"], row["quote_qty"], Trade.model_validate(row["trade"])) == ("rejected", 0, trade)
    assert await exposure(journal) == ("0.00", "0.00")


async def test_a_refusal_is_repeated_as_it_was(database: Database, journal: Journal) -> None:
    await configure(database, "halted = true")
    first = await opened_trade(journal, a_listing())
    await configure(database, "halted = false")

    again = await journal.open(a_listing(), Mode.DRY_RUN)

    assert again == Opened(first, repeated=True)


async def test_an_order_left_open_by_a_crash_is_found_as_it_was(database: Database, journal: Journal) -> None:
    order = await opened_order(journal, a_listing())
    await configure(database, "max_trade_usdt = 5")

    again = await a_journal(database).open(a_listing(), Mode.DRY_RUN)

    assert again == Opened(order, repeated=True)
    assert await exposure(journal) == ("100.00", "0.00")


async def test_an_order_left_open_beyond_its_moment_is_abandoned_and_overdue(
    database: Database, journal: Journal
) -> None:
    order = await opened_order(journal, a_listing())
    just_in_time = Journal(database, ExecutorSettings(), now=lambda: NOW + timedelta(seconds=120))
    too_late = Journal(database, ExecutorSettings(), now=lambda: NOW + timedelta(seconds=121))

    assert await just_in_time.abandoned(Mode.DRY_RUN, 10) == []
    assert await too_late.abandoned(Mode.DRY_RUN, 10) == [a_listing()]
    assert await too_late.abandoned(Mode.LIVE, 10) == []
    assert await just_in_time.open(a_listing(), Mode.DRY_RUN) == Opened(order, repeated=True)
    assert await too_late.open(a_listing(), Mode.DRY_RUN) == Opened(order, repeated=True, overdue=True)


async def test_a_closed_order_answers_with_its_trade(journal: Journal) -> None:
    order = await opened_order(journal, a_listing())
    trade = await journal.close(order, trade_of(a_listing(), order, FILL, ANSWERED))

    assert await journal.open(a_listing(), Mode.DRY_RUN) == Opened(trade, repeated=True)


async def test_a_fill_moves_what_it_spent_and_releases_the_rest(database: Database, journal: Journal) -> None:
    order = await opened_order(journal, a_listing())

    trade = await journal.close(order, trade_of(a_listing(), order, FILL, ANSWERED))

    [row] = await rows(database)
    assert (row["state"], Trade.model_validate(row["trade"])) == ("filled", trade)
    assert await exposure(journal) == ("0.00", "59.98")


@pytest.mark.parametrize(
    ("miss", "state"), [(rejected(Reason.NO_LIQUIDITY), "rejected"), (unavailable("HTTP 503"), "failed")]
)
async def test_a_miss_releases_its_reservation(database: Database, journal: Journal, miss: Any, state: str) -> None:
    order = await opened_order(journal, a_listing())

    await journal.close(order, trade_of(a_listing(), order, miss, ANSWERED))

    [row] = await rows(database)
    assert row["state"] == state
    assert await exposure(journal) == ("0.00", "0.00")


async def test_an_order_is_closed_once_and_the_first_outcome_stands(journal: Journal) -> None:
    order = await opened_order(journal, a_listing())
    first = await journal.close(order, trade_of(a_listing(), order, FILL, ANSWERED))

    second = await journal.close(order, trade_of(a_listing(), order, rejected(Reason.NO_LIQUIDITY), ANSWERED))

    assert second == first
    assert await exposure(journal) == ("0.00", "59.98")


async def test_many_who_close_at_once_settle_once(journal: Journal) -> None:
    order = await opened_order(journal, a_listing())
    proposals = [trade_of(a_listing(), order, FILL, ANSWERED + timedelta(milliseconds=number)) for number in range(20)]

    standing = await asyncio.gather(*(journal.close(order, proposal) for proposal in proposals))

    assert len({trade.latency_ms for trade in standing}) == 1
    assert await exposure(journal) == ("0.00", "59.98")


async def test_a_hundred_duplicates_at_two_executors_make_one_order(database_url: str) -> None:
    async with AsyncExitStack() as stack:
        databases = [await stack.enter_async_context(open_database(database_url)) for _ in range(2)]
        journals = [a_journal(database) for database in databases]

        opened = await asyncio.gather(*(journals[number % 2].open(a_listing(), Mode.DRY_RUN) for number in range(100)))

        assert [each.repeated for each in opened].count(False) == 1
        assert len({each.entry.client_order_id for each in opened}) == 1
        assert len(await rows(databases[0])) == 1
        assert await exposure(journals[0]) == ("100.00", "0.00")


async def test_forty_deciders_at_once_never_break_the_cap(database: Database, journal: Journal) -> None:
    opened = await asyncio.gather(*(journal.open(listing_of(number), Mode.DRY_RUN) for number in range(40)))

    refused = [each.entry for each in opened if isinstance(each.entry, Trade)]
    assert len(opened) - len(refused) == 10
    assert {trade.error_reason for trade in refused} == {"max_position"}
    assert len(await rows(database)) == 40
    assert await exposure(journal) == ("1000.00", "0.00")


async def test_deciders_and_closers_at_once_keep_the_books_straight(database: Database, journal: Journal) -> None:
    async def buy_and_close(number: int) -> None:
        listing = listing_of(number)
        for _ in range(2):  # Each listing comes twice, at once.
            opened = await journal.open(listing, Mode.DRY_RUN)
            if isinstance(opened.entry, Order):
                result = FILL if number % 2 else rejected(Reason.NO_LIQUIDITY)
                await journal.close(opened.entry, trade_of(listing, opened.entry, result, ANSWERED))

    await asyncio.gather(*(buy_and_close(number // 2) for number in range(80)))

    filled = [row for row in await rows(database) if row["state"] == "filled"]
    spent = sum((Decimal(row["trade"]["quote_qty"]) for row in filled), Decimal(0))
    found = await journal.exposure(Mode.DRY_RUN)
    assert found == Exposure(Decimal(0), spent)
    assert 0 < found.filled_usdt <= 1000


async def test_each_mode_has_an_exposure_of_its_own(journal: Journal) -> None:
    await journal.open(a_listing(), Mode.DRY_RUN)

    assert await journal.exposure(Mode.LIVE) == Exposure(Decimal(0), Decimal(0))


async def test_a_change_of_the_limits_holds_from_the_next_decision(database: Database, journal: Journal) -> None:
    before = await opened_order(journal, listing_of(1))
    await configure(database, "max_trade_usdt = 7.77")
    after = await opened_order(journal, listing_of(2))

    assert (before.quote_qty, after.quote_qty) == (Decimal(100), Decimal("7.77"))
    assert after.config.updated_at > before.config.updated_at


async def test_a_decision_waits_for_a_halt_that_is_being_committed(database: Database, journal: Journal) -> None:
    async with asyncio.TaskGroup() as tasks, database.transaction() as operator:
        await operator.execute("UPDATE trade_config SET halted = true")
        decision = tasks.create_task(journal.open(a_listing(), Mode.DRY_RUN))
        await eventually(
            lambda: operator.fetchval("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        )

    entry = decision.result().entry
    assert isinstance(entry, Trade)
    assert entry.error_reason == "halted"


async def test_a_halt_refuses_until_it_is_lifted(database: Database, journal: Journal) -> None:
    await configure(database, "halted = true, halted_reason = 'drill'")
    refused = await opened_trade(journal, listing_of(1))
    await configure(database, "halted = false")

    assert refused.error_reason == "halted"
    assert isinstance((await journal.open(listing_of(2), Mode.DRY_RUN)).entry, Order)


async def test_without_a_config_row_nothing_may_be_spent(database: Database, journal: Journal) -> None:
    async with database.connection() as connection:
        await connection.execute("DELETE FROM trade_config")

    trade = await opened_trade(journal, a_listing())

    assert (trade.status, trade.error_reason) == ("rejected", "config_missing")
    assert (trade.config.max_trade_usdt, trade.config.max_position_usdt) == (Decimal(0), Decimal(0))


async def test_without_an_exposure_row_nothing_is_decided(database: Database, journal: Journal) -> None:
    async with database.connection() as connection:
        await connection.execute("DELETE FROM exposure")

    with pytest.raises(TransientError, match="the exposure of dry-run is not seeded"):
        await journal.open(a_listing(), Mode.DRY_RUN)

    assert await rows(database) == []


async def test_a_decision_outlives_a_database_that_was_away(private_postgres: Callable[[], PrivatePostgres]) -> None:
    server = private_postgres()
    async with open_database(server.create_migrated_database()) as database:
        journal = a_journal(database)
        order = await opened_order(journal, a_listing())
        server.stop()
        with pytest.raises(TransientError, match="database away"):
            await journal.close(order, trade_of(a_listing(), order, FILL, ANSWERED))
        server.start()

        # Connections of the pool that broke with the server fail once more each, and are replaced.
        assert await eventually(lambda: journal.open(a_listing(), Mode.DRY_RUN)) == Opened(order, repeated=True)
