"""The queries that must stay fast use their index; with a million rows only that keeps them so."""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from api import queries
from api.reading import history
from api.reading.lists.cursor import Place
from api.reading.lists.filters import ListingsFilter, OrdersFilter, PageFilter, TradesFilter
from api.reading.lists.statements import page_statement
from api.reading.lists.tables import CLOSED, LISTINGS, ORDERS, TRADES, PageTable
from shared.events import utc_now
from shared.postgres.database import Database
from tests.support.running.services import open_database

MANY_LISTINGS = text("""
    INSERT INTO listings (symbol, listed_at, source, created_at)
    SELECT 'COIN' || n, now() - n * interval '1 minute',
           CASE WHEN n % 500 = 0 THEN 'mexc_rest_api' ELSE 'mexc_websocket' END, now() - n * interval '1 minute'
    FROM generate_series(1, 20000) AS n
""")
MANY_TRADES = text("""
    INSERT INTO trades (symbol, side, quote_qty, latency_ms, mode, status, created_at)
    SELECT 'COIN' || n, 'BUY', 100, 5, 'dry-run', CASE WHEN n % 500 = 0 THEN 'failed' ELSE 'filled' END,
           now() - n * interval '1 minute'
    FROM generate_series(1, 20000) AS n
    UNION ALL SELECT 'LIVEUSDT', 'BUY', 100, 5, 'live', 'filled', now()
""")

MANY_ORDERS = text("""
    INSERT INTO orders (listing_key, mode, side, symbol, base_asset, client_order_id, state, quote_qty, config,
                        decided_at, send_until, listing, created_at)
    SELECT 'COIN' || n, 'live', 'BUY', 'COIN' || n, 'COIN' || n, 'sn' || n,
           CASE WHEN n % 500 = 0 THEN 'unknown' ELSE 'filled' END, 100, '{}', now(), now(), '{}',
           now() - n * interval '1 minute'
    FROM generate_series(1, 20000) AS n
""")

MANY_POSITIONS = text("""
    INSERT INTO positions (listing_key, mode, symbol, base_asset, quote_asset, state, listing, base_qty, cost_usdt,
                           average_price, peak_price, paid, proceeds, opened_at, closed_at)
    SELECT 'COIN' || n, 'live', 'COIN' || n, 'COIN' || n, 'USDT', CASE WHEN n % 500 = 0 THEN 'open' ELSE 'closed' END,
           '{}', 0, 0, 1, 1, 100, 110, now() - n * interval '1 minute',
           CASE WHEN n % 500 = 0 THEN NULL ELSE now() - n * interval '30 s' END
    FROM generate_series(1, 20000) AS n
""")
MANY_DECISIONS = [
    text(f"""
        INSERT INTO {table} (created_at, {columns})
        SELECT now() - n * interval '1 minute', {values} FROM generate_series(1, 20000) AS n
    """)
    for table, columns, values in (
        ("trade_config_audit", "changed_by, before, after", "'me', '{}', '{}'"),
        ("operator_actions", "kind, made_by", "'close', 'me'"),
        ("monitor_switches", "paused, changed_by", "true, 'me'"),
        (
            "position_exits",
            "listing_key, mode, revision, before, after, changed_by",
            "'A', 'live', n, '{}', '{}', 'me'",
        ),
        ("halts", "cause, reason", "'failures', ''"),
    )
]


FILTERS: dict[str, type[PageFilter]] = {"listings": ListingsFilter, "trades": TradesFilter, "orders": OrdersFilter}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as database:
        async with database.engine.begin() as connection:
            for statement in (MANY_LISTINGS, MANY_TRADES, MANY_ORDERS, MANY_POSITIONS, text("ANALYZE")):
                await connection.execute(statement)
        yield database


async def plan_of(database: Database, statement: str, *arguments: Any) -> dict[str, Any]:
    async with database.connection() as connection:
        found = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement}", *arguments)
    plan: dict[str, Any] = json.loads(found)[0]["Plan"]
    return plan


async def plan_of_page(database: Database, table: PageTable, **wanted: Any) -> dict[str, Any]:
    statement, arguments = page_statement(table, PageFilter(), wanted.pop("after", None), limit=51)
    if wanted:
        statement, arguments = page_statement(table, FILTERS[table.name].model_validate(wanted), None, limit=51)
    return await plan_of(database, statement, *arguments)


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def indexes(plan: dict[str, Any]) -> set[str]:
    return {node["Index Name"] for node in nodes(plan) if "Index Name" in node}


def kinds(plan: dict[str, Any]) -> set[str]:
    return {node["Node Type"] for node in nodes(plan)}


NOWHERE_NEAR_THE_BEGINNING = Place(utc_now() - timedelta(days=7), 10_000)


@pytest.mark.parametrize(
    ("table", "wanted", "index"),
    [
        (LISTINGS, {}, "ix_listings_created_at"),
        (LISTINGS, {"after": NOWHERE_NEAR_THE_BEGINNING}, "ix_listings_created_at"),
        (LISTINGS, {"source": "mexc_rest_api"}, "ix_listings_source_created_at"),
        (TRADES, {}, "ix_trades_created_at"),
        (TRADES, {"after": NOWHERE_NEAR_THE_BEGINNING}, "ix_trades_created_at"),
        (TRADES, {"mode": "live"}, "ix_trades_mode"),
        (TRADES, {"side": "SELL"}, "ix_trades_side"),
        (TRADES, {"symbol": "COIN500"}, "ix_trades_symbol"),
        (TRADES, {"status": "failed"}, "ix_trades_status"),
        (ORDERS, {}, "ix_orders_created_at"),
        (ORDERS, {"after": NOWHERE_NEAR_THE_BEGINNING}, "ix_orders_created_at"),
        (ORDERS, {"symbol": "COIN500"}, "ix_orders_symbol"),
    ],
)
async def test_a_page_is_read_off_an_index_wherever_it_begins(
    database: Database, table: PageTable, wanted: dict[str, Any], index: str
) -> None:
    plan = await plan_of_page(database, table, **wanted)

    assert indexes(plan) == {index}
    # Any sort would read more rows than the page has.
    assert {"Seq Scan", "Sort", "Incremental Sort"} & kinds(plan) == set()


@pytest.mark.parametrize("wanted", [{}, {"after": NOWHERE_NEAR_THE_BEGINNING}])
async def test_what_has_ended_is_read_off_an_index_by_its_end(database: Database, wanted: dict[str, Any]) -> None:
    plan = await plan_of_page(database, CLOSED, **wanted)

    assert "ix_positions_closed_at" in indexes(plan)
    assert [
        node for node in nodes(plan) if node.get("Relation Name") == "positions" and node["Node Type"] != "Index Scan"
    ] == []


async def test_every_part_of_the_history_is_read_off_an_index(database: Database) -> None:
    async with database.engine.begin() as connection:
        for statement in (*MANY_DECISIONS, text("ANALYZE")):
            await connection.execute(statement)

    for plan in (
        await plan_of(database, history.NEWEST, 51),
        await plan_of(database, history.OLDER, 51, *NOWHERE_NEAR_THE_BEGINNING),
    ):
        tables = ("trade_config_audit", "operator_actions", "monitor_switches", "position_exits", "halts")
        assert indexes(plan) == {f"ix_{table}_created_at" for table in tables}
        assert "Seq Scan" not in kinds(plan)


async def test_open_orders_are_read_off_an_index(database: Database) -> None:
    compiled = queries.OPEN_ORDERS.compile(dialect=database.engine.dialect, compile_kwargs={"literal_binds": True})

    assert indexes(await plan_of(database, str(compiled))) == {"ix_orders_open"}


async def test_listings_of_a_day_are_counted_by_source(database: Database) -> None:
    # One a minute, the latest a minute ago; the one exactly a day ago is a moment too old.
    assert await queries.listings_by_source(database) == {"mexc_rest_api": 2, "mexc_websocket": 1437}
