import importlib
import string
import sys
import unicodedata
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.events.fields import SQL_CHECK, is_symbol
from shared.postgres.schema.tables import metadata
from tests.servers.databases import PostgresServer
from tests.support.data import rows
from tests.support.data.builders import NOON
from tests.support.running.services import open_database


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
        ("listings", {"symbol": "币🐉USDT"}, "ck_listings_symbol_format"),
        ("listings", {"symbol": "ABC\u202eUSDT"}, "ck_listings_symbol_format"),
        ("listings", {"symbol": "币人"}, "ck_listings_symbol_format"),
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
        ("orders", {"attempt_id": "another"}, "ck_orders_attempt_named"),
        ("orders", {"attempt": 2}, "ck_orders_attempt_named"),
        ("order_attempts", {"ended_at": None}, 'null value in column "ended_at"'),
        ("orders", {"send_until": None}, 'null value in column "send_until"'),
        ("positions", {"state": "lost"}, "ck_positions_state_known"),
        ("positions", {"mode": "paper"}, "ck_positions_mode_known"),
        ("positions", {"base_qty": "-0.01"}, "ck_positions_not_negative"),
        ("positions", {"cost_usdt": "-0.01"}, "ck_positions_not_negative"),
        ("settle_requests", {"cost": None}, "ck_settle_requests_whole"),
        ("settle_requests", {"fee_asset": None}, "ck_settle_requests_whole"),
        ("settle_requests", {"base_qty": None, "cost": None}, "ck_settle_requests_whole"),
        ("settle_requests", {"base_qty": 0}, "ck_settle_requests_positive"),
        ("settle_requests", {"cost": Decimal("NaN")}, "ck_settle_requests_positive"),
        ("settle_requests", {"fee": -1}, "ck_settle_requests_fee_not_negative"),
        ("settle_requests", {"reason": None}, 'null value in column "reason"'),
        ("close_requests", {"mode": "paper"}, "ck_close_requests_mode_known"),
        ("close_requests", {"requested_by": None}, 'null value in column "requested_by"'),
        ("write_offs", {"mode": "paper"}, "ck_write_offs_mode_known"),
        ("write_offs", {"reason": ""}, "ck_write_offs_reason_given"),
        ("halts", {"mode": "paper"}, "ck_halts_mode_known"),
        ("halts", {"reason": None}, 'null value in column "reason"'),
        ("exposure", {"reserved_usdt": "499.99", "filled_usdt": "0.02"}, "ck_exposure_within_ceiling"),
        ("exposure", {"reserved_usdt": "-0.01"}, "ck_exposure_not_negative"),
        ("exposure", {"filled_usdt": "-0.01"}, "ck_exposure_not_negative"),
        ("exposure", {"mode": "paper"}, "ck_exposure_mode_known"),
        ("api_tokens", {"scope": "admin"}, "ck_api_tokens_scope_known"),
        ("api_tokens", {"digest": None}, "ck_api_tokens_value_whole"),
        ("api_tokens", {"public_id": None}, "ck_api_tokens_value_whole"),
        ("api_tokens", {"digest": b"d" * 31}, "ck_api_tokens_digest_is_sha256"),
        ("api_tokens", {"revoked_at": NOON}, "ck_api_tokens_revoked_by_someone"),
        ("sessions", {"digest": b""}, "ck_sessions_digest_is_sha256"),
        ("sessions", {"token_id": None}, 'null value in column "token_id"'),
        ("sign_in_links", {"digest": b""}, "ck_sign_in_links_digest_is_sha256"),
        ("sign_in_links", {"expires_at": None}, 'null value in column "expires_at"'),
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
        ("orders", {"client_order_id": "another", "base_asset": "X"}, "uq_orders_listing_key_mode_side_sequence"),
        ("orders", {"client_order_id": "another", "listing_key": "ABCUSDC:1"}, "uq_orders_base_asset_at_large"),
        ("order_attempts", {"number": 2}, "pk_order_attempts"),
        ("api_tokens", {"public_id": "f" * 16}, "ix_api_tokens_name"),
        ("api_tokens", {"name": "another"}, "uq_api_tokens_public_id"),
        ("sessions", {"token_id": 2}, "uq_sessions_public_id"),
        ("sign_in_links", {"token_id": 2}, "uq_sign_in_links_public_id"),
        ("order_attempts", {"attempt_id": "another"}, "uq_order_attempts_client_order_id_number"),
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
    for sequence in (1, 2, 32_768, 2_000_000_000):
        await rows.store(connection, "orders", side="SELL", sequence=sequence, client_order_id=f"sale-{sequence}")


@pytest.mark.parametrize("different", [{"mode": "dry-run"}, {"state": "filled"}, {"state": "armed"}])
async def test_a_coin_may_be_bought_again_once_the_other_purchase_is_not_at_large(
    connection: AsyncConnection, different: dict[str, Any]
) -> None:
    await rows.store(connection, "orders", **different)

    await rows.store(connection, "orders", client_order_id="another", listing_key="ABCUSDC:1")


@pytest.mark.parametrize(
    "table", ["listings", "trade_config_audit", "close_requests", "settle_requests", "write_offs", "operator_actions"]
)
@pytest.mark.parametrize("statement", ["UPDATE {} SET created_at = now()", "DELETE FROM {}", "TRUNCATE {}"])
async def test_the_record_cannot_be_changed(connection: AsyncConnection, table: str, statement: str) -> None:
    await rows.store(connection, table)

    with pytest.raises(DBAPIError, match=f"rows of {table} are immutable"):
        await connection.execute(text(statement.format(table)))


async def test_the_constraint_takes_every_character_that_a_symbol_may_hold_and_none_that_is_not_seen(
    connection: AsyncConnection,
) -> None:
    characters = [chr(code) for code in range(1, sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF]
    # Before the first statement: a transaction that is idle for long is ended by the server.
    by_python = {each for each in characters if is_symbol(f"AB{each}")}
    taken = text(f"SELECT symbol FROM unnest(CAST(:symbols AS text[])) AS t (symbol) WHERE {SQL_CHECK}")
    by_sql: set[str] = set()
    for first in range(0, len(characters), 4_000):  # A statement for each few, which a busy machine answers in time.
        some = [f"AB{each}" for each in characters[first : first + 4_000]]
        by_sql |= {symbol[2] for (symbol,) in await connection.execute(taken, {"symbols": some})}

    assert by_python - by_sql == set()
    # What PostgreSQL takes beyond it are numerals that are no digits, unassigned places, and enclosing marks and signs
    # of scripts: nothing that is not seen, turns the text, or ends a line.
    beyond = {unicodedata.category(each) for each in by_sql - by_python}
    assert beyond.isdisjoint({"Cc", "Cf", "Co", "Zs", "Zl", "Zp"})
    assert {each for each in by_sql if each.isascii()} == set(string.ascii_letters + string.digits + "_")


def test_the_migration_holds_the_constraint_of_the_schema() -> None:
    migration = importlib.import_module("migrations.versions.019_symbols_of_any_script")

    assert migration._ANY_SCRIPT == SQL_CHECK
