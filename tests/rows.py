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
            "client_order_id": "sniper-ABCUSDT-1",
            "state": "sending",
            "quote_qty": Decimal(100),
            "config": {"auto_trade": True},
            "decided_at": NOON,
        },
        "exposure": {"reserved_usdt": Decimal(100), "filled_usdt": Decimal("0.01")},
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
