from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.tables import metadata
from tests import rows
from tests.builders import NOON
from tests.servers.databases import PostgresServer
from tests.services import open_database


@pytest.fixture(scope="module")
def url(postgres_server: PostgresServer) -> Iterator[str]:
    """One database for all of these: none of them commits."""
    url = postgres_server.create_migrated_database()
    yield url
    postgres_server.drop_database(url)


@pytest.fixture
async def connection(url: str) -> AsyncIterator[AsyncConnection]:
    async with open_database(url) as database, database.engine.connect() as connection:
        yield connection


async def refusal_of(connection: AsyncConnection, table: str, **overrides: Any) -> str:
    with pytest.raises(DBAPIError) as refused:
        await rows.store(connection, table, **overrides)
    return str(refused.value.orig)


def test_every_table_has_a_good_row() -> None:
    assert set(rows.GOOD) == set(metadata.tables)


async def test_good_rows_are_stored(connection: AsyncConnection) -> None:
    for table in rows.GOOD:
        await rows.store(connection, table)


@pytest.mark.parametrize(
    ("table", "bad", "refusal"),
    [
        ("listings", {"symbol": "AB"}, "ck_listings_symbol_format"),
        ("listings", {"symbol": "ABC-USDT"}, "ck_listings_symbol_format"),
        ("listings", {"symbol": "ABCUSDT\n"}, "ck_listings_symbol_format"),
        ("listings", {"symbol": "A" * 21}, "value too long"),
        ("listings", {"symbol": None}, 'null value in column "symbol"'),
        ("listings", {"listed_at": None}, 'null value in column "listed_at"'),
        ("listings", {"source": "binance"}, "ck_listings_source_known"),
        ("listings", {"source": None}, 'null value in column "source"'),
        ("bot_health", {"status": "asleep"}, "ck_bot_health_status_known"),
        ("bot_health", {"component_name": None}, 'null value in column "component_name"'),
        ("bot_health", {"status": None}, 'null value in column "status"'),
        ("trade_config", {"max_trade_usdt": 0}, "ck_trade_config_max_trade_positive"),
        ("trade_config", {"max_trade_usdt": -1}, "ck_trade_config_max_trade_positive"),
        ("trade_config", {"max_trade_usdt": "NaN", "max_position_usdt": "NaN"}, "ck_trade_config_max_"),
        ("trade_config", {"max_trade_usdt": None}, 'null value in column "max_trade_usdt"'),
        ("trade_config", {"max_position_usdt": "50.24"}, "ck_trade_config_max_position_covers_trade"),
        ("trade_config", {"max_position_usdt": "NaN"}, "ck_trade_config_max_position_covers_trade"),
        ("trade_config", {"max_position_usdt": "Infinity"}, "numeric field overflow"),
        ("trade_config", {"max_position_usdt": 10**10}, "numeric field overflow"),
        ("trade_config", {"auto_trade": None}, 'null value in column "auto_trade"'),
        ("trade_config", {"exits_halted": True}, "ck_trade_config_exits_halt_with_buys"),
        ("trade_config", {"id": 2}, "ck_trade_config_single_row"),
        ("trades", {"side": "HOLD"}, "ck_trades_side_known"),
        ("trades", {"latency_ms": -1}, "ck_trades_latency_not_negative"),
        ("trades", {"latency_ms": None}, 'null value in column "latency_ms"'),
        ("trades", {"mode": "paper"}, "ck_trades_mode_known"),
        ("trades", {"status": "unknown"}, "ck_trades_status_known"),
        ("trades", {"quote_qty": None}, 'null value in column "quote_qty"'),
        ("trades", {"quote_qty": 10**10}, "numeric field overflow"),
        ("listings", {"tradable": None}, 'null value in column "tradable"'),
        ("listing_observations", {"source": "binance"}, "ck_listing_observations_source_known"),
        ("symbols", {"state": "lost"}, "ck_symbols_state_known"),
        ("symbols", {"gone_since": NOON}, "ck_symbols_gone_since_gone"),
        ("orders", {"state": "sent"}, "ck_orders_state_known"),
        ("orders", {"mode": "paper"}, "ck_orders_mode_known"),
        ("orders", {"side": "HOLD"}, "ck_orders_side_known"),
        ("orders", {"quote_qty": "-0.01"}, "ck_orders_quote_qty_not_negative"),
        ("orders", {"sequence": 2}, "ck_orders_bought_once"),
        ("orders", {"send_until": None}, 'null value in column "send_until"'),
        ("positions", {"state": "lost"}, "ck_positions_state_known"),
        ("positions", {"mode": "paper"}, "ck_positions_mode_known"),
        ("positions", {"base_qty": "-0.01"}, "ck_positions_not_negative"),
        ("positions", {"cost_usdt": "-0.01"}, "ck_positions_not_negative"),
        ("close_requests", {"mode": "paper"}, "ck_close_requests_mode_known"),
        ("close_requests", {"requested_by": None}, 'null value in column "requested_by"'),
        ("halts", {"mode": "paper"}, "ck_halts_mode_known"),
        ("halts", {"reason": None}, 'null value in column "reason"'),
        ("exposure", {"reserved_usdt": "499.99", "filled_usdt": "0.02"}, "ck_exposure_within_ceiling"),
        ("exposure", {"reserved_usdt": "-0.01"}, "ck_exposure_not_negative"),
        ("exposure", {"filled_usdt": "-0.01"}, "ck_exposure_not_negative"),
        ("exposure", {"mode": "paper"}, "ck_exposure_mode_known"),
    ],
)
async def test_a_bad_row_is_refused(connection: AsyncConnection, table: str, bad: dict[str, Any], refusal: str) -> None:
    assert refusal in await refusal_of(connection, table, **bad)


@pytest.mark.parametrize(
    ("table", "different", "refusal"),
    [
        ("listings", {"listing_key": "ABCUSDT:2"}, "uq_listings_symbol_listed_at"),
        ("listings", {"listed_at": NOON + timedelta(seconds=1)}, "uq_listings_listing_key"),
        ("bot_health", {"status": "stopped"}, "uq_bot_health_component_name"),
        ("trades", {"symbol": "XYZUSDT"}, "uq_trades_event_id"),
        ("symbols", {"state": "gone"}, "pk_symbols"),
        ("listing_claims", {"raw_id": "r2"}, "pk_listing_claims"),
        ("listing_observations", {"listing_key": "XYZUSDT:1"}, "uq_listing_observations_raw_id"),
        ("orders", {"client_order_id": "another"}, "uq_orders_listing_key_mode_side_sequence"),
        ("orders", {"client_order_id": "another", "listing_key": "ABCUSDC:1"}, "uq_orders_base_asset_at_large"),
        ("trades", {"event_id": "another"}, "uq_trades_client_order_id"),
        ("close_requests", {"requested_by": "cli:other"}, "uq_close_requests_listing_key_mode"),
        ("positions", {"state": "closed"}, "uq_positions_listing_key_mode"),
        ("orders", {"listing_key": "XYZUSDT:1"}, "uq_orders_client_order_id"),
    ],
)
async def test_a_second_row_of_the_same_thing_is_refused(
    connection: AsyncConnection, table: str, different: dict[str, Any], refusal: str
) -> None:
    await rows.store(connection, table)

    assert refusal in await refusal_of(connection, table, **different)


async def test_there_is_only_one_trade_config(connection: AsyncConnection) -> None:
    another = metadata.tables["trade_config"].insert().values(max_trade_usdt=1, max_position_usdt=1)

    with pytest.raises(DBAPIError, match="pk_trade_config"):
        await connection.execute(another)


async def test_the_same_listing_time_is_fine_for_another_symbol(connection: AsyncConnection) -> None:
    await rows.store(connection, "listings")

    await rows.store(connection, "listings", symbol="XYZUSDT", listing_key="XYZUSDT:1")


async def test_a_listing_may_be_sold_again_and_again(connection: AsyncConnection) -> None:
    for sequence in (1, 2):
        await rows.store(connection, "orders", side="SELL", sequence=sequence, client_order_id=f"sale-{sequence}")


@pytest.mark.parametrize("different", [{"mode": "dry-run"}, {"state": "filled"}, {"state": "armed"}])
async def test_a_coin_may_be_bought_again_once_the_other_purchase_is_not_at_large(
    connection: AsyncConnection, different: dict[str, Any]
) -> None:
    await rows.store(connection, "orders", **different)

    await rows.store(connection, "orders", client_order_id="another", listing_key="ABCUSDC:1")


@pytest.mark.parametrize("table", ["listings", "trade_config_audit", "close_requests"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET created_at = now()", "DELETE FROM {}", "TRUNCATE {}"])
async def test_the_record_cannot_be_changed(connection: AsyncConnection, table: str, statement: str) -> None:
    await rows.store(connection, table)

    with pytest.raises(DBAPIError, match=f"rows of {table} are immutable"):
        await connection.execute(text(statement.format(table)))
