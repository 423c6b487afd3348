"""One good row for every table, to be stored as it is or with something wrong in it."""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.tables import metadata
from tests.builders import NOON

Row = Mapping[str, Any]

# trade_config and exposure are seeded; what stands here for them is a change of the seed.
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
        "close_requests": {"listing_key": "ABCUSDT:1", "mode": "live", "requested_by": "cli:test"},
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
        },
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
SEEDED = frozenset({"trade_config", "exposure"})


async def store(connection: AsyncConnection, table: str, **overrides: Any) -> None:
    """Store the good row of *table*, with *overrides*."""
    target = metadata.tables[table]
    row = {**GOOD[table], **overrides}
    await connection.execute(target.update().values(row) if table in SEEDED else insert(target).values(row))
