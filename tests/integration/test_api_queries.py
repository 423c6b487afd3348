"""The queries that must stay fast use their index; with a million rows only that keeps them so."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from sqlalchemy import Select, text

from api import queries
from api.filters import ListingsFilter, OrdersFilter, TradesFilter
from shared.database import Database
from tests.services import open_database

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
""")

MANY_ORDERS = text("""
    INSERT INTO orders (listing_key, mode, side, symbol, base_asset, client_order_id, state, quote_qty, config,
                        decided_at, send_until, listing)
    SELECT 'COIN' || n, 'live', 'BUY', 'COIN' || n, 'COIN' || n, 'sn' || n,
           CASE WHEN n % 500 = 0 THEN 'unknown' ELSE 'filled' END, 100, '{}', now(), now(), '{}'
    FROM generate_series(1, 20000) AS n
""")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as database:
        async with database.engine.begin() as connection:
            for statement in (MANY_LISTINGS, MANY_TRADES, MANY_ORDERS, text("ANALYZE listings, trades, orders")):
                await connection.execute(statement)
        yield database


async def plan_of(database: Database, statement: Select[Any]) -> dict[str, Any]:
    compiled = statement.compile(dialect=database.engine.dialect, compile_kwargs={"literal_binds": True})
    async with database.connection() as connection:
        found = await connection.fetchval(f"EXPLAIN (FORMAT JSON) {compiled}")
    plan: dict[str, Any] = json.loads(found)[0]["Plan"]
    return plan


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from nodes(inner)


def indexes(plan: dict[str, Any]) -> set[str]:
    return {node["Index Name"] for node in nodes(plan) if "Index Name" in node}


def kinds(plan: dict[str, Any]) -> set[str]:
    return {node["Node Type"] for node in nodes(plan)}


async def test_newest_rows_are_read_off_an_index(database: Database) -> None:
    newest = queries.page_statement(queries.NEWEST_LISTINGS, ListingsFilter())
    thousand = queries.NEWEST_LISTINGS.limit(1000)
    of_source = queries.page_statement(
        queries.NEWEST_LISTINGS, ListingsFilter.model_validate({"source": "mexc_rest_api"})
    )
    trades = queries.page_statement(queries.NEWEST_TRADES, TradesFilter())
    expected = [
        (newest, "ix_listings_created_at"),
        (thousand, "ix_listings_created_at"),
        (of_source, "ix_listings_source_created_at"),
        (trades, "ix_trades_created_at"),
    ]

    for statement, index in expected:
        plan = await plan_of(database, statement)
        assert indexes(plan) == {index}
        # A plain sort would read every row first; an incremental one only those of one moment.
        assert {"Seq Scan", "Sort"} & kinds(plan) == set()


async def test_rare_trades_and_recent_listings_are_found_by_index(database: Database) -> None:
    of_symbol = queries.page_statement(queries.NEWEST_TRADES, TradesFilter(symbol="COIN500"))

    assert "ix_trades_symbol" in indexes(await plan_of(database, of_symbol))
    assert "Seq Scan" not in kinds(await plan_of(database, queries.LISTINGS_BY_SOURCE))


async def test_orders_are_read_off_an_index(database: Database) -> None:
    newest = queries.page_statement(queries.NEWEST_ORDERS, OrdersFilter())
    expected = [(newest, "pk_orders"), (queries.OPEN_ORDERS, "ix_orders_open")]

    for statement, index in expected:
        plan = await plan_of(database, statement)
        assert indexes(plan) == {index}
        assert "Seq Scan" not in kinds(plan)


async def test_listings_of_a_day_are_counted_by_source(database: Database) -> None:
    # One a minute, the latest a minute ago; the one exactly a day ago is a moment too old.
    assert await queries.listings_by_source(database) == {"mexc_rest_api": 2, "mexc_websocket": 1437}
