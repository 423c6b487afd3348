"""Listings and trades for the benchmark of the API: a million of each in a full run."""

import asyncio
from typing import Final

import asyncpg

DAYS: Final = 30
"""Days over which the rows are spread evenly."""
BATCH: Final = 100_000

_LISTINGS: Final = """
    INSERT INTO listings (symbol, listed_at, source, listing_key, base_asset, quote_asset, observed_at, created_at)
    SELECT 'C' || n || 'USDT', at, CASE WHEN n % 7 = 0 THEN 'mexc_rest_api' ELSE 'mexc_websocket' END,
        'C' || n || 'USDT:1', 'C' || n, 'USDT', at, at
    FROM (
        SELECT n, now() - ($3 - n) * ($4::int * interval '1 day' / $3) AS at FROM generate_series($1::int, $2::int) AS n
    ) AS numbered
"""
_TRADES: Final = """
    INSERT INTO trades (symbol, side, quote_qty, base_qty, latency_ms, mode, status, error_reason, created_at, event_id,
        listing_key, client_order_id, listed_at, config, stages, average_price, fee, fee_asset, ack_latency_ms)
    SELECT 'C' || n || 'USDT', 'BUY', 100, 1000, 20, CASE WHEN n % 10 = 0 THEN 'live' ELSE 'dry-run' END,
        CASE WHEN n % 3 = 0 THEN 'rejected' WHEN n % 50 = 1 THEN 'failed' ELSE 'filled' END,
        CASE WHEN n % 3 = 0 THEN 'max_position' WHEN n % 50 = 1 THEN 'never_arrived' END,
        at, 'e' || n, 'C' || n || 'USDT:1', 'o' || n, at,
        '{"max_trade_usdt": "100.00", "max_position_usdt": "1000.00", "auto_trade": false}',
        jsonb_build_object(
            'observed_at', at, 'published_at', at + interval '2 ms', 'deduplicated_at', at + interval '5 ms',
            'decided_at', at + interval '9 ms', 'answered_at', at + (10 + n % 90) * interval '1 ms'
        ),
        0.1, 0.05, 'USDT', 20
    FROM (
        SELECT n, now() - ($3 - n) * ($4::int * interval '1 day' / $3) AS at FROM generate_series($1::int, $2::int) AS n
    ) AS numbered
"""


_LISTED: Final = "INSERT INTO listings (symbol, listed_at, source) VALUES ($1, clock_timestamp(), 'mexc_rest_api')"
_REFUSED: Final = """
    INSERT INTO trades (symbol, side, quote_qty, latency_ms, mode, status, error_reason)
    VALUES ($1, 'BUY', 100, 0, 'dry-run', 'rejected', 'max_position: 950 of 1000')
"""


async def fill(database: str, rows: int) -> None:
    """Store *rows* listings and as many trades, up to the present."""
    connection = await asyncpg.connect(database)
    try:
        for first in range(1, rows + 1, BATCH):
            last = min(rows, first + BATCH - 1)
            for statement in (_LISTINGS, _TRADES):
                await connection.execute(statement, first, last, rows, DAYS)
        await connection.execute("TRUNCATE stream_events")  # There were no clients yet.
        for table in ("listings", "trades", "listing_hours", "trade_hours", "latency_hours"):
            await connection.execute(f"VACUUM ANALYZE {table}")
    finally:
        await connection.close()


async def store_events(database: str, every_seconds: float) -> None:
    """Store a listing or a trade, alternately, at this interval until cancelled."""
    connection = await asyncpg.connect(database)
    try:
        number = 0
        while True:
            number += 1
            await connection.execute(_LISTED if number % 2 else _REFUSED, f"NEW{number}USDT")
            await asyncio.sleep(every_seconds)
    finally:
        await connection.close()
