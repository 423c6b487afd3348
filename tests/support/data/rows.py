"""One good row for every table, to be stored as it is or with something wrong in it."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.postgres.schema.tables import metadata
from tests.support.data.builders import NOON

Row = Mapping[str, Any]

# trade_config, exposure and stream_head are seeded; what stands here for them is a change of the seed.
GOOD: Mapping[str, Row] = MappingProxyType(
    {
        "listings": {
            "symbol": "ABCUSDT",
            "listed_at": NOON,
            "source": "mexc_websocket",
            "listing_key": "ABCUSDT:1",
            "base_asset": "ABC",
            "quote_asset": "USDT",
            "opens_at": NOON + timedelta(hours=1),
            "observed_at": NOON,
        },
        "bot_health": {"component_name": "ingest", "status": "running", "last_event_at": NOON},
        "trade_config": {"max_trade_usdt": Decimal("50.25"), "max_position_usdt": Decimal(500), "auto_trade": True},
        "trade_config_audit": {
            "changed_by": "cli:test",
            "before": {"auto_trade": False},
            "after": {"auto_trade": True},
        },
        "position_exits": {
            "listing_key": "ABCUSDT:1",
            "mode": "live",
            "revision": 1,
            "before": {},
            "after": {"stop_loss_pct": "20", "take_profit_pct": None},
            "changed_by": "cli:test",
            "request_id": "r1",
        },
        "monitor_switches": {"paused": True, "reason": "maintenance", "changed_by": "cli:test"},
        "operator_actions": {
            "kind": "close",
            "subject": "ABCUSDT:1 (live)",
            "details": {},
            "made_by": "token:test",
            "request_id": "r1",
        },
        "exchange": {"id": 1, "host": "api.mexc.com"},
        "leases": {"name": "ingest", "holder": "one"},
        "rate_usage": {"service": "ingest", "quiet_until": NOON, "banned": False, "used": {"address": 25}},
        "close_requests": {"listing_key": "ABCUSDT:1", "mode": "live", "requested_by": "cli:test"},
        "write_offs": {"listing_key": "ABCUSDT:1", "mode": "live", "requested_by": "cli:test", "reason": "delisted"},
        "settle_requests": {
            "client_order_id": "sniper-ABCUSDT-1",
            "base_qty": Decimal("1E-12"),
            "cost": Decimal("99.9"),
            "fee": Decimal(0),
            "fee_asset": "USDT",
            "reason": "seen in the exchange's app",
            "requested_by": "cli:test",
        },
        "trades": {
            "symbol": "ABCUSDT",
            "side": "BUY",
            "quote_qty": Decimal("100.00"),
            "base_qty": Decimal("0.00000001"),
            "latency_ms": 12,
            "mode": "dry-run",
            "status": "filled",
            "event_id": "ABCUSDT:1:dry-run:BUY",
            "listing_key": "ABCUSDT:1",
            "client_order_id": "sniper-ABCUSDT-1",
            "listed_at": NOON,
            "config": {"auto_trade": True},
            "stages": {"observed_at": "2026-03-02T12:00:00Z"},
            "average_price": Decimal("1E-12"),
            "fee": Decimal("0.05"),
            "fee_asset": "MX",
            "ack_latency_ms": 12,
            "fees": {"MX": "0.05", "USDT": "0.01"},
        },
        "unplaced_symbols": {"symbol": "A" * 30, "reason": "Invalid symbol format", "acknowledged_by": "cli:test"},
        "unannounced_listings": {"listing_key": "ABCUSDT:1", "raw": {"id": "r1"}},
        "symbols": {
            "symbol": "ABCUSDT",
            "state": "listed",
            "base_asset": "ABC",
            "quote_asset": "USDT",
            "first_seen_at": NOON,
            "published": True,
        },
        "listing_claims": {
            "listing_key": "ABCUSDT:1",
            "raw_id": "r1",
            "listing": {"symbol": "ABCUSDT", "opens_at": "2026-03-02T13:00:00Z", "observed_at": "2026-03-02T12:00:00Z"},
            "opens_at": NOON + timedelta(hours=1),
            "opens_observed_at": NOON,
        },
        "listing_observations": {
            "listing_key": "ABCUSDT:1",
            "source": "mexc_rest_api",
            "observed_at": NOON + timedelta(seconds=1),
            "raw_id": "r2",
            "lag_ms": 1000,
        },
        "orders": {
            "listing_key": "ABCUSDT:1",
            "mode": "live",
            "side": "BUY",
            "symbol": "ABCUSDT",
            "base_asset": "ABC",
            "client_order_id": "sniper-ABCUSDT-1",
            "state": "unknown",
            "quote_qty": Decimal(100),
            "config": {"auto_trade": True},
            "decided_at": NOON,
            "send_until": NOON + timedelta(minutes=1),
            "listing": {"symbol": "ABCUSDT", "base_asset": "ABC"},
            "request": {"symbol": "ABCUSDT", "type": "IMMEDIATE_OR_CANCEL"},
            "attempts": 1,
            "misses": 2,
            "fees": {"USDT": "0.02"},
            "attention": "not shown for 120 s",
            "given_up_at": NOON,
            "looked_again": 1,
            "price_max": Decimal("2.1"),
            "stated_opening": NOON + timedelta(hours=2),
        },
        "order_attempts": {
            "attempt_id": "sniper-ABCUSDT-1",
            "client_order_id": "sniper-ABCUSDT-1",
            "number": 1,
            "exchange_order_id": "C1",
            "answered_at": NOON,
            "ended_at": NOON,
            "looked_again": 2,
        },
        "exposure": {
            "reserved_usdt": Decimal(100),
            "filled_usdt": Decimal("0.01"),
            "ceiling_usdt": Decimal(500),
            "recent_orders": [NOON],
            "day": NOON.date(),
            "day_orders": 1,
            "day_spent_usdt": Decimal("0.01"),
        },
        "positions": {
            "listing_key": "ABCUSDT:1",
            "mode": "live",
            "symbol": "ABCUSDT",
            "base_asset": "ABC",
            "quote_asset": "USDT",
            "state": "open",
            "listing": {"symbol": "ABCUSDT", "base_asset": "ABC"},
            "base_qty": Decimal("1E+12") + Decimal("1E-12"),
            "cost_usdt": Decimal("99.95"),
            "average_price": Decimal("1E-10"),
            "peak_price": Decimal("2E-10"),
            "opened_at": NOON,
        },
        "other_fees": {
            "listing_key": "ABCUSDT:1",
            "mode": "live",
            "client_order_id": "sniper-ABCUSDT-1",
            "asset": "MX",
            "amount": Decimal("0.001"),
            "taken_at": NOON,
            "price": Decimal("2.5"),
        },
        "listing_hours": {"hour": NOON, "source": "mexc_websocket", "listings": 2, "session": 0},
        "sighting_hours": {
            "hour": NOON,
            "first_source": "mexc_websocket",
            "source": "mexc_rest_api",
            "bucket": 97,
            "sightings": 2,
            "session": 0,
        },
        "trade_hours": {
            "hour": NOON,
            "mode": "dry-run",
            "side": "BUY",
            "status": "rejected",
            "reason": "max_position",
            "trades": 2,
            "quote_qty": Decimal(0),
            "session": 0,
        },
        "latency_hours": {"hour": NOON, "mode": "dry-run", "stage": "total", "bucket": 60, "samples": 2, "session": 0},
        "stream_events": {"kind": "listing", "row_id": 1, "position": 1},
        "stream_head": {"position": 1},
        "api_tokens": {
            "public_id": "0" * 16,
            "digest": b"d" * 32,
            "name": "ops",
            "scope": "operate",
            "created_by": "cli:test",
        },
        "sessions": {"public_id": "1" * 16, "digest": b"d" * 32, "token_id": 1},
        "sign_in_links": {"public_id": "2" * 16, "digest": b"d" * 32, "token_id": 1, "expires_at": NOON},
        "trade_outbox": {"event": {"id": "sniper-ABCUSDT-1.filled"}},
        "halts": {"cause": "failures", "mode": "live", "reason": "5 orders in a row failed"},
        "bus_messages": {
            "queue": "dedup.raw",
            "exchange": "sniper.raw",
            "routing_key": "raw.mexc_websocket",
            "body": b"{}",
            "message_id": "r1",
            "content_type": "application/cloudevents+json",
            "headers": {},
            "deliveries": 0,
        },
    }
)
SEEDED = frozenset({"trade_config", "exposure", "stream_head"})


async def store(connection: AsyncConnection, table: str, **overrides: Any) -> None:
    """Store the good row of *table*, with *overrides*."""
    target = metadata.tables[table]
    row = {**GOOD[table], **overrides}
    await connection.execute(target.update().values(row) if table in SEEDED else insert(target).values(row))


WRITTEN_OFF_BESIDE = """
INSERT INTO positions
    (listing_key, mode, symbol, base_asset, quote_asset, state, listing, base_qty, cost_usdt, average_price, peak_price,
     opened_at, written_off_from)
SELECT 'written-off:1', mode, symbol, base_asset, quote_asset, 'written_off', listing, base_qty, 0, average_price,
    peak_price, opened_at - interval '1 day', $2::varchar
FROM positions WHERE listing_key = $1
"""
"""Adds a position of the same coin, and as much of it, that was written off out of the state named."""
