"""Idempotent batch statements that write listings, trades and bot_health."""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Final

import asyncpg

from shared.events import Health, HealthStatus, Listing, Trade, TradeStatus
from shared.postgres.database import Connection
from shared.process.heartbeat import SILENCE_MAX, WORST_LAST, silence_detail

INSERT_LISTINGS: Final = """
    INSERT INTO listings
        (symbol, listed_at, source, listing_key, base_asset, quote_asset, opens_at, observed_at, late,
         tradable, not_tradable_reason)
    SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[],
                         $7::timestamptz[], $8::timestamptz[], $9::boolean[], $10::boolean[], $11::text[])
    ON CONFLICT DO NOTHING
"""
# One row per order: it shows the latest state until the order has ended, and then nothing else, except for an order
# that was given up and then found filled, and for one that was refused and decided on anew later. Late and duplicate
# events leave the same row once it has ended, in any order.
INSERT_TRADES: Final = """
    INSERT INTO trades AS known
        (event_id, symbol, side, quote_qty, base_qty, latency_ms, mode, status, error_reason, exchange_order_id,
         created_at, listing_key, client_order_id, listed_at, config, stages, average_price, fee, fee_asset,
         exit_reason, ack_latency_ms, fees)
    SELECT event_id, symbol, side, quote_qty, base_qty, latency_ms, mode, status, error_reason, exchange_order_id,
           created_at, listing_key, client_order_id, listed_at, config::jsonb, stages::jsonb, average_price, fee,
           fee_asset, exit_reason, ack_latency_ms, fees::jsonb
    FROM unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::numeric[], $6::bigint[], $7::text[],
                $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::text[], $13::text[],
                $14::timestamptz[], $15::text[], $16::text[], $17::numeric[], $18::numeric[], $19::text[], $20::text[],
                $21::bigint[], $22::text[])
        AS t (event_id, symbol, side, quote_qty, base_qty, latency_ms, mode, status, error_reason, exchange_order_id,
              created_at, listing_key, client_order_id, listed_at, config, stages, average_price, fee, fee_asset,
              exit_reason, ack_latency_ms, fees)
    ON CONFLICT (client_order_id) DO UPDATE SET
        event_id = excluded.event_id,
        quote_qty = excluded.quote_qty,
        base_qty = excluded.base_qty,
        latency_ms = excluded.latency_ms,
        status = excluded.status,
        error_reason = excluded.error_reason,
        exchange_order_id = excluded.exchange_order_id,
        created_at = excluded.created_at,
        config = excluded.config,
        stages = excluded.stages,
        average_price = excluded.average_price,
        fee = excluded.fee,
        fee_asset = excluded.fee_asset,
        exit_reason = excluded.exit_reason,
        ack_latency_ms = excluded.ack_latency_ms,
        fees = excluded.fees
    WHERE known.status = 'pending' AND excluded.status <> 'pending'
        OR known.status IN ('failed', 'rejected') AND excluded.status = 'filled'
        OR known.status = 'rejected' AND excluded.created_at > known.created_at
"""
# A sender whose clock runs ahead must not look alive for as long after its death. A component that has handled
# nothing since its restart keeps the last event it handled before. Of several processes the worst is shown, until it
# recovers, ends or is silent.
UPSERT_HEALTH: Final = """
    INSERT INTO bot_health AS known
        (component_name, status, last_event_at, updated_at, detail, facts, process, process_ended)
    SELECT component, status, last_event_at, least(sent_at, clock_timestamp()), detail, facts::jsonb, process, last
    FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
                $8::bool[])
        AS t (component, status, last_event_at, sent_at, detail, facts, process, last)
    ON CONFLICT (component_name) DO UPDATE SET
        status = excluded.status,
        last_event_at = greatest(known.last_event_at, excluded.last_event_at),
        updated_at = excluded.updated_at,
        detail = excluded.detail,
        facts = excluded.facts,
        process = excluded.process,
        process_ended = excluded.process_ended
    WHERE (
        excluded.updated_at >= known.updated_at
        OR known.process <> excluded.process
        -- Of before the clock was set back.
        OR known.updated_at > clock_timestamp()
    ) AND (
        known.process IN (excluded.process, '')
        OR known.process_ended
        OR array_position($9::text[], excluded.status::text) >= array_position($9::text[], known.status::text)
        OR excluded.updated_at - known.updated_at > $10
        OR known.updated_at > clock_timestamp() + $10
    )
"""
READ_HEALTH: Final = "SELECT component_name, status, updated_at, clock_timestamp() AS now FROM bot_health"
# Conditional on the row that was read: a heartbeat in between wins.
MARK_SILENT: Final = """
    UPDATE bot_health SET status = $1, detail = $2 WHERE component_name = $3 AND updated_at = $4
"""


async def insert_listings(connection: Connection, listings: Sequence[Listing]) -> int:
    """Commit the listings in this order; return the number of new ones."""
    return await _execute(connection, INSERT_LISTINGS, [listing_row(each) for each in listings])


def listing_row(listing: Listing) -> tuple[object, ...]:
    """Return the columns of *listing* in the order of INSERT_LISTINGS."""
    return (
        listing.symbol,
        listing.listed_at,
        listing.source,
        listing.key,
        listing.base_asset,
        listing.quote_asset,
        listing.opens_at,
        listing.observed_at,
        listing.late,
        listing.tradable,
        listing.not_tradable_reason,
    )


_TRADE_ORDER_OF: Final = attrgetter(
    "id",
    "symbol",
    "side",
    "quote_qty",
    "base_qty",
    "latency_ms",
    "mode",
    "status",
    "error_reason",
    "exchange_order_id",
    "created_at",
    "listing_key",
    "client_order_id",
    "listed_at",
)
_TRADE_RESULT_OF: Final = attrgetter("average_price", "fee", "fee_asset", "exit_reason", "ack_latency_ms")


def trade_row(trade: Trade) -> tuple[object, ...]:
    """Return the columns of *trade* in the order of INSERT_TRADES."""
    config, stages = trade.config.model_dump_json(), trade.stages.model_dump_json(exclude_none=True)
    fees = None if trade.fees is None else json.dumps({asset: f"{fee:f}" for asset, fee in trade.fees.items()})
    return (*_TRADE_ORDER_OF(trade), config, stages, *_TRADE_RESULT_OF(trade), fees)


async def insert_trades(connection: Connection, trades: Sequence[Trade]) -> int:
    """Commit the trades in this order; return the number of orders that are new or have ended."""
    rows = [trade_row(trade) for trade in _one_each(trades)]
    return await _execute(connection, INSERT_TRADES, rows)


_UNFILLED: Final = frozenset({TradeStatus.FAILED, TradeStatus.REJECTED})


def _one_each(trades: Sequence[Trade]) -> Collection[Trade]:
    """Return the trade per order that would remain if they came one by one: a statement must not write a row twice."""
    standing: dict[str, Trade] = {}
    for trade in trades:
        known = standing.setdefault(trade.client_order_id, trade)
        has_ended = known.status is TradeStatus.PENDING and trade.status is not TradeStatus.PENDING
        is_filled_after_all = known.status in _UNFILLED and trade.status is TradeStatus.FILLED
        is_decided_anew = known.status is TradeStatus.REJECTED and trade.created_at > known.created_at
        if has_ended or is_filled_after_all or is_decided_anew:
            standing[trade.client_order_id] = trade
    return standing.values()


async def upsert_health(connection: Connection, reports: Sequence[Health]) -> int:
    """Commit the latest report per process of each component, unless a later one is stored; return the changes."""
    by_time = attrgetter("sent_at")
    latest = {(each.component, each.process): each for each in sorted(reports, key=by_time)}
    written = 0
    while latest:
        # A statement must not write a row twice.
        turn = {each.component: each for each in sorted(latest.values(), key=by_time, reverse=True)}
        rows = [health_row(each) for each in turn.values()]
        written += await _execute(connection, UPSERT_HEALTH, rows, WORST_LAST, SILENCE_MAX)
        latest = {key: each for key, each in latest.items() if turn[each.component] is not each}
    return written


def health_row(report: Health) -> tuple[object, ...]:
    """Return the columns of *report* in the order of UPSERT_HEALTH."""
    return (
        report.component,
        report.status,
        report.last_event_at,
        report.sent_at,
        report.detail,
        json.dumps(report.facts),
        report.process,
        report.last,
    )


async def _execute(connection: Connection, statement: str, rows: Sequence[tuple[object, ...]], *terms: object) -> int:
    """Execute a statement of one array per column, and *terms*, in its own transaction; return the rows written."""
    tag = await connection.execute(statement, *zip(*rows, strict=True), *terms)
    return int(tag.rpartition(" ")[2])


async def read_health(connection: Connection) -> Sequence[asyncpg.Record]:
    """Return component_name, status and updated_at of every component, and the server's time as now."""
    return await connection.fetch(READ_HEALTH)


async def mark_silent(connection: Connection, component: str, reported: HealthStatus, updated_at: datetime) -> None:
    """Mark a component as ERROR that has been silent since *updated_at*, unless it reported in between."""
    await connection.execute(MARK_SILENT, HealthStatus.ERROR, silence_detail(reported), component, updated_at)
