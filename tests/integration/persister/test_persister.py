"""Rows that the persister writes of listings and trades, in a real database."""

import asyncio
import itertools
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from persister.handlers import records_listings
from persister.repository import insert_listings, insert_trades
from shared.errors import PermanentError, TransientError
from shared.events import HealthStatus, Trade, TradeStatus, utc_now
from shared.postgres.batch import BatchLimits, batching
from shared.postgres.database import Connection, Database
from tests.support.data.builders import NOON, a_listing, a_trade
from tests.support.running.persisting import Writers, rows


async def test_every_field_of_a_listing_is_stored(database: Database, writers: Writers) -> None:
    filtered = {"tradable": False, "not_tradable_reason": "leveraged token"}
    listing = a_listing(source="mexc_rest_api", opens_at=NOON + timedelta(hours=1), late=True, **filtered)
    before = utc_now() - timedelta(seconds=1)
    await writers.to("listings", insert_listings)([listing])

    [row] = await rows(database, "SELECT * FROM listings")
    assert before < row["created_at"] < utc_now() + timedelta(seconds=1)
    assert {name: row[name] for name in row.keys() - {"id", "created_at"}} == {
        "symbol": "ABCUSDT",
        "listed_at": NOON,
        "source": "mexc_rest_api",
        "listing_key": "ABCUSDT:1",
        "base_asset": "ABC",
        "quote_asset": "USDT",
        "opens_at": NOON + timedelta(hours=1),
        "observed_at": listing.observed_at,
        "late": True,
        **filtered,
    }


async def test_every_field_of_a_trade_is_stored(database: Database, writers: Writers) -> None:
    sold = {"average_price": Decimal("0.4"), "fee": Decimal("0.05"), "fee_asset": "MX", "exit_reason": "stop_loss"}
    fees = {"MX": Decimal("0.05"), "USDT": Decimal("0.000000001")}
    trade = a_trade(error_reason="why", exchange_order_id="C02__1", ack_latency_ms=12, fees=fees, **sold)
    await writers.to("trades", insert_trades)([trade])

    [row] = await rows(database, "SELECT * FROM trades")
    assert {name: row[name] for name in row.keys() - {"id"}} == {
        "event_id": trade.id,
        "symbol": "ABCUSDT",
        "side": "BUY",
        "quote_qty": Decimal("100.00"),
        "base_qty": Decimal("250.12345678"),
        "latency_ms": 12,
        "mode": "dry-run",
        "status": "filled",
        "error_reason": "why",
        "exchange_order_id": "C02__1",
        "created_at": trade.created_at,
        "listing_key": "ABCUSDT:1",
        "client_order_id": trade.client_order_id,
        "listed_at": NOON,
        "config": trade.config.model_dump(mode="json"),
        "stages": trade.stages.model_dump(mode="json", exclude_none=True),
        "ack_latency_ms": 12,
        "fees": {"MX": "0.05", "USDT": "0.000000001"},
        **sold,
    }


async def test_a_trade_that_was_never_answered_is_stored_without_the_stage(
    database: Database, writers: Writers
) -> None:
    stages = a_trade().stages.model_copy(update={"answered_at": None})
    await writers.to("trades", insert_trades)([a_trade(status="rejected", base_qty=None, stages=stages)])

    [row] = await rows(database, "SELECT base_qty, stages FROM trades")
    assert row["base_qty"] is None
    assert "answered_at" not in row["stages"]


PENDING = a_trade(
    id="sn1.unknown", client_order_id="sn1", status="pending", base_qty=None, error_reason="outcome_unknown"
)
FILLED = a_trade(
    id="sn1.filled",
    client_order_id="sn1",
    quote_qty=Decimal("99.95"),
    average_price=Decimal("0.4"),
    created_at=NOON + timedelta(seconds=15),
    latency_ms=15_000,
)


@pytest.mark.parametrize(
    "batches",
    [
        [[FILLED]],
        [[PENDING], [FILLED]],
        [[PENDING, FILLED]],
        [[FILLED, PENDING]],
        [[FILLED], [PENDING]],
        [[PENDING], [FILLED], [PENDING], [FILLED]],
        [[PENDING, FILLED, PENDING, FILLED]],
        [[PENDING], [PENDING, FILLED]],
        [[FILLED], [PENDING, FILLED]],
    ],
)
async def test_an_order_is_one_row_that_tells_how_it_ended_however_its_events_come(
    database: Database, writers: Writers, batches: list[list[Trade]]
) -> None:
    write = writers.to("trades", insert_trades)
    for batch in batches:
        await write(batch)

    [row] = await rows(database, "SELECT * FROM trades")
    told = FILLED.model_dump(exclude={"id", "config", "stages", "reserved_qty"})
    assert {name: row[name] for name in told} == told
    assert row["event_id"] == "sn1.filled"


async def test_an_order_that_has_not_ended_is_pending_and_keeps_what_was_told_first(
    database: Database, writers: Writers
) -> None:
    write = writers.to("trades", insert_trades)
    await write([PENDING])
    await write([PENDING.model_copy(update={"id": "sn1.other", "error_reason": "another"})])

    [row] = await rows(database, "SELECT event_id, status, error_reason FROM trades")
    assert row == {"event_id": "sn1.unknown", "status": "pending", "error_reason": "outcome_unknown"}
    assert (writers.value("rows_total", "trades"), writers.value("duplicates_total", "trades")) == (1, 1)


@pytest.mark.parametrize("at_once", [True, False])
async def test_an_order_that_was_given_up_and_is_found_filled_after_all_is_stored_as_filled(
    database: Database, writers: Writers, *, at_once: bool
) -> None:
    write = writers.to("trades", insert_trades)
    given_up = FILLED.model_copy(update={"id": "sn1.failed", "status": TradeStatus.FAILED, "base_qty": None})
    for batch in [[given_up, FILLED]] if at_once else [[given_up], [FILLED], [given_up]]:
        await write(batch)

    [row] = await rows(database, "SELECT event_id, status, base_qty FROM trades")
    assert row == {"event_id": "sn1.filled", "status": "filled", "base_qty": FILLED.base_qty}


@pytest.mark.parametrize("later", ["rejected", "failed", "filled"])
async def test_an_order_that_has_ended_does_not_end_once_more(database: Database, writers: Writers, later: str) -> None:
    write = writers.to("trades", insert_trades)
    await write([FILLED])
    await write([FILLED.model_copy(update={"id": "sn1.later", "status": TradeStatus(later), "base_qty": None})])

    [row] = await rows(database, "SELECT event_id, base_qty FROM trades")
    assert row == {"event_id": "sn1.filled", "base_qty": FILLED.base_qty}


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("end", ["rejected", "failed", "filled"])
async def test_an_order_that_was_refused_and_decided_on_anew_is_stored_as_it_ends_in_whatever_order_that_is_told(
    database: Database, writers: Writers, end: str, *, at_once: bool
) -> None:
    write, later = writers.to("trades", insert_trades), FILLED.created_at + timedelta(hours=1)
    refused = FILLED.model_copy(update={"id": "sn1.rejected", "status": TradeStatus.REJECTED})
    waits = PENDING.model_copy(update={"id": "sn1.armed", "created_at": later})
    anew = {"id": "sn1.end", "status": TradeStatus(end), "created_at": later + timedelta(hours=1)}
    found = list[str]()
    for told in itertools.permutations([refused, waits, FILLED.model_copy(update=anew)]):
        for batch in [[*told]] if at_once else [[each] for each in (*told, *told)]:
            await write(batch)
        found += [row["event_id"] for row in await rows(database, "DELETE FROM trades RETURNING event_id")]

    assert found == ["sn1.end"] * 6


async def test_an_order_that_waits_after_its_refusal_is_pending_again(database: Database, writers: Writers) -> None:
    write, later = writers.to("trades", insert_trades), FILLED.created_at + timedelta(hours=1)
    await write([FILLED.model_copy(update={"id": "sn1.rejected", "status": TradeStatus.REJECTED})])
    await write([PENDING.model_copy(update={"id": "sn1.armed", "created_at": later})])

    [row] = await rows(database, "SELECT event_id, status FROM trades")
    assert row == {"event_id": "sn1.armed", "status": "pending"}


async def test_orders_of_one_batch_end_each_on_its_own(database: Database, writers: Writers) -> None:
    write = writers.to("trades", insert_trades)
    orders = [f"sn{number}" for number in range(100)]
    await write([PENDING.model_copy(update={"id": f"{order}.p", "client_order_id": order}) for order in orders])
    await write([FILLED.model_copy(update={"id": f"{order}.f", "client_order_id": order}) for order in orders[::2]])

    found = await rows(database, "SELECT status, count(*) FROM trades GROUP BY status ORDER BY status")
    assert [tuple(row.values()) for row in found] == [("filled", 50), ("pending", 50)]


@pytest.mark.parametrize("quantity", ["1E-30", "12345678901234567890.12345678901234567890", "1E+30"])
async def test_a_quantity_of_many_digits_is_stored_to_the_last(
    database: Database, writers: Writers, quantity: str
) -> None:
    await writers.to("trades", insert_trades)([a_trade(base_qty=Decimal(quantity))])

    [row] = await rows(database, "SELECT base_qty FROM trades")
    assert row["base_qty"] == Decimal(quantity)


async def test_a_thousand_duplicates_are_one_row(database: Database, writers: Writers) -> None:
    trade = a_trade()
    write = writers.to("trades", insert_trades)
    async with batching("trades", write, BatchLimits(100, 0.01)) as batcher:
        await asyncio.gather(*(batcher.add(trade) for _ in range(1000)))

    assert len(await rows(database, "SELECT FROM trades")) == 1
    assert (writers.value("rows_total", "trades"), writers.value("duplicates_total", "trades")) == (1, 999)


@pytest.mark.parametrize(
    "again",
    [
        pytest.param({"listed_at": NOON - timedelta(minutes=1)}, id="same key"),
        pytest.param({"key": "test:ABCUSDT:1"}, id="same symbol and time"),
    ],
)
async def test_a_listing_already_recorded_is_counted_and_no_error(
    database: Database, writers: Writers, again: dict[str, Any]
) -> None:
    write = writers.to("listings", insert_listings)
    await write([a_listing()])
    await write([a_listing(**again)])

    assert len(await rows(database, "SELECT FROM listings")) == 1
    assert writers.value("duplicates_total", "listings") == 1


async def test_a_batch_is_stored_in_its_order(database: Database, writers: Writers) -> None:
    symbols = [f"COIN{number}USDT" for number in range(200)]
    await writers.to("listings", insert_listings)([a_listing(symbol=symbol) for symbol in symbols])

    assert [row["symbol"] for row in await rows(database, "SELECT symbol FROM listings ORDER BY id")] == symbols


@pytest.mark.parametrize("statement", ["UPDATE listings SET late = true", "DELETE FROM listings", "TRUNCATE listings"])
async def test_a_listing_is_never_changed(database: Database, writers: Writers, statement: str) -> None:
    await writers.to("listings", insert_listings)([a_listing()])

    with pytest.raises(asyncpg.RestrictViolationError, match="rows of listings are immutable"):
        await rows(database, statement)


POISON = {
    "a number too large for its column": {"quote_qty": Decimal(99_999_999_999)},
    "the id of another order's event": {"id": "taken"},
    "a number too large for any integer": {"latency_ms": 2**70},
    "a text too long for its column": {"client_order_id": "x" * 33},
    "a character PostgreSQL does not store": {"error_reason": "a\0b"},
}


@pytest.mark.parametrize("wrong", POISON.values(), ids=POISON.keys())
async def test_one_poisonous_row_is_refused_and_the_rest_of_its_batch_stored(
    database: Database, writers: Writers, wrong: dict[str, Any]
) -> None:
    trades = [a_trade(id="taken")] + [a_trade() for _ in range(18)] + [a_trade(**wrong)]
    async with batching("trades", writers.to("trades", insert_trades), BatchLimits(20, 60)) as batcher:
        outcomes = await asyncio.gather(*(batcher.add(trade) for trade in trades), return_exceptions=True)

    assert outcomes[:-1] == [None] * 19
    assert isinstance(outcomes[-1], PermanentError)
    assert str(outcomes[-1]).startswith("database: ")
    assert len(await rows(database, "SELECT FROM trades")) == 19


async def test_a_commit_of_unknown_outcome_is_repeated_without_harm(database: Database, writers: Writers) -> None:
    async def insert_and_lose_the_answer(connection: Connection, trades: Sequence[Trade]) -> int:
        await insert_trades(connection, trades)
        raise ConnectionResetError

    trade = a_trade()
    with pytest.raises(TransientError):
        await writers.to("trades", insert_and_lose_the_answer)([trade])
    await writers.to("trades", insert_trades)([trade])

    assert len(await rows(database, "SELECT FROM trades")) == 1


async def test_a_lost_database_degrades_the_component_until_it_is_back(database: Database, writers: Writers) -> None:
    async def lose(_: Connection, __: Sequence[Trade]) -> int:
        raise ConnectionResetError

    with pytest.raises(TransientError):
        await writers.to("trades", lose)([a_trade()])
    assert (writers.status, writers.value("database_away", "trades")) == (HealthStatus.DEGRADED, 1)
    await writers.to("trades", insert_trades)([a_trade()])
    assert (writers.status, writers.value("database_away", "trades")) == (HealthStatus.RUNNING, 0)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"error_reason": "A\0B"}, "database: "),
        ({"client_order_id": "x" * 33}, "database: value too long"),
        ({"listing_key": "x" * 33}, "database: value too long"),
        ({"latency_ms": 2**40}, "database: "),
        ({"exchange_order_id": "A\ud800"}, "database: "),
        ({"quote_qty": Decimal("99999999999.99")}, "database: "),
    ],
)
async def test_a_row_that_the_database_refuses_concerns_that_row(
    database: Database, writers: Writers, wrong: dict[str, Any], reason: str
) -> None:
    trades = [*(a_trade() for _ in range(5)), a_trade(**wrong), *(a_trade() for _ in range(5))]
    async with batching("trades", writers.to("trades", insert_trades), BatchLimits(20, 0.05)) as batcher:
        outcomes = await asyncio.gather(*(batcher.add(trade) for trade in trades), return_exceptions=True)

    [refused] = [outcome for outcome in outcomes if outcome is not None]
    assert outcomes[5] is refused
    assert isinstance(refused, PermanentError)
    assert str(refused).startswith(reason)
    [row] = await rows(database, "SELECT count(*) FROM trades")
    assert row["count"] == 10


async def test_a_listing_that_a_machine_ahead_of_ours_saw_is_stored_as_of_now(
    database: Database, writers: Writers
) -> None:
    ahead = utc_now() + timedelta(minutes=1)
    async with batching("listings", writers.to("listings", insert_listings), BatchLimits(1, 0)) as batcher:
        record = records_listings(batcher, writers.component)
        await record(a_listing(listed_at=ahead))

    [row] = await rows(database, "SELECT listed_at FROM listings")
    assert row["listed_at"] <= utc_now()


async def test_an_injected_listing_of_the_future_is_refused_in_the_words_of_the_contract(
    database: Database, writers: Writers
) -> None:
    async with batching("listings", writers.to("listings", insert_listings), BatchLimits(1, 0)) as batcher:
        record = records_listings(batcher, writers.component)
        with pytest.raises(PermanentError, match=r"^listed_at cannot be in the future$"):
            await record(a_listing(listed_at=utc_now() + timedelta(minutes=1), source="test_injection"))

    assert await rows(database, "SELECT FROM listings") == []
