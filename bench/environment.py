"""Environment variables of benchmarked processes, and preparations in their database."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import asyncpg

from bench.exchange.venue import Venue
from bench.floor.path import CREATE

LIMIT_USDT: Final = 1_000_000_000
RAISE: Final = f"UPDATE trade_config SET max_position_usdt = {LIMIT_USDT}"
GO_LIVE: Final = "UPDATE trade_config SET auto_trade = true"
FORGET: Final = "UPDATE exposure SET recent_orders = '{}'"
NO_LIMITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        # A benchmark lists more coins a minute than MEXC in a month.
        "SNIPER_EXECUTOR_LISTINGS_PER_MINUTE_MAX": "100000",
        "SNIPER_EXECUTOR_ORDERS_PER_MINUTE": "300",
        "SNIPER_EXECUTOR_ORDERS_PER_DAY": "1000000",
        "SNIPER_EXECUTOR_DAILY_SPEND_USDT": str(LIMIT_USDT),
        # The venue has no rate limits, and a benchmark sends an order every few milliseconds.
        "SNIPER_EXECUTOR_WEIGHT_PER_10_SECONDS": "100000",
        "SNIPER_EXECUTOR_REQUESTS_PER_SECOND": "10000",
        "SNIPER_EXECUTOR_KEY_WEIGHT_PER_10_SECONDS": "100000",
        "SNIPER_EXECUTOR_KEY_REQUESTS_PER_SECOND": "10000",
        # Their coins are shown by a ticker alone. The cost of asking for their opening is measured separately.
        "SNIPER_EXECUTOR_OPENING_UNKNOWN": "buy",
        # The venue has none; orders are looked up instead.
        "SNIPER_EXECUTOR_PRIVATE_STREAM": "false",
        # None of the hundreds of positions is ever due, nor are their prices followed.
        "SNIPER_EXECUTOR_EXIT_STREAMS": "false",
        "SNIPER_EXECUTOR_EXIT_CHECK_SECONDS": "60",
    }
)


def environment(venue: Venue, database: str, broker: str | None) -> dict[str, str]:
    """Return the variables of a process on these servers; without a broker it uses the embedded bus."""
    variables = {
        "SNIPER_DATABASE_URL": database,
        "SNIPER_MEXC_REST_URL": venue.rest_url,
        "SNIPER_MEXC_WS_URL": venue.ws_url,
        "SNIPER_MEXC_API_KEY": "bench-key",
        "SNIPER_MEXC_API_SECRET": "bench-secret",
        "SNIPER_API_PORT": "0",
        **NO_LIMITS,
    }
    return variables if broker is None else variables | {"SNIPER_BROKER_URL": broker}


async def raise_limits(database: str) -> None:
    """Raise the position limit to fit every order."""
    await _execute(database, RAISE)


async def trade_live(database: str) -> None:
    """Switch auto_trade on, so that a live executor sends orders."""
    await _execute(database, GO_LIVE)


async def forget_recent_orders(database: str) -> None:
    """Forget the orders of the last minute, of which the limits in production leave a few, and a benchmark hundreds."""
    await _execute(database, FORGET)


async def create_floor_table(database: str) -> None:
    """Create the table the floor commits to."""
    await _execute(database, CREATE)


async def _execute(database: str, statement: str) -> None:
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
