"""Rehearsal of the statements that orders wait for: on a new connection the first costs fifty times the tenth.

PostgreSQL parses a statement once for each connection, and settles on its plan after five executions; but listings are
hours apart. The pool lends the connection that was returned last. That one is kept ready here, and the next, for the
first may be lent already when an order comes.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Never

import structlog

from executor.journal import reservation_sql
from executor.journal.order_row import Statement
from shared.errors import TransientError
from shared.events import Mode
from shared.postgres.database import Connection, Database

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 2.0
STATEMENTS: Final = (reservation_sql.READ, reservation_sql.RESERVE, reservation_sql.FIRE, reservation_sql.SELL)
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
_NOBODY: Final[Mapping[str, object]] = MappingProxyType(
    {
        # No row has these keys, and no version of the configuration this name: nothing is written, nor locked.
        "listing_key": "",
        "client_order_id": "",
        "waiting": "",
        "version": "",
        # Compared; with NULL, the plan would be one that reads nothing.
        "mode": Mode.DRY_RUN,
        "live": False,
        "base_asset": "",
        "beside": False,
        "sequence": 1,
        "quote_qty": Decimal(1),
        "max_position_usdt": Decimal(1),
        "daily_spend_usdt": Decimal(1),
        "orders_per_minute": 1,
        "orders_per_day": 1,
        "now": _LONG_AGO,
        "decided_at": _LONG_AGO,
        "fire_at": _LONG_AGO,
        "today": _LONG_AGO.date(),
    }
)


async def keep_rehearsed(database: Database, statements: Sequence[Statement]) -> Never:
    """Rehearse *statements* every few seconds on the two connections that are lent next, until cancelled."""
    while True:
        try:
            await rehearse_twice(database, statements)
        except TransientError as error:
            log.debug("statements not rehearsed", reason=str(error))
        except Exception:
            log.exception("statements not rehearsed")
        await asyncio.sleep(EVERY_SECONDS)


async def rehearse_twice(database: Database, statements: Sequence[Statement]) -> None:
    """Execute each of *statements* on two connections, which go back before the next: no order waits for all.

    On one where no other is free: a rehearsal that held one and waited would keep it from a sale.
    """
    for statement in statements:
        async with database.connection() as first:
            if database.has_spare():
                async with database.connection() as second:
                    await rehearse(second, [statement])
            await rehearse(first, [statement])


async def rehearse(connection: Connection, statements: Sequence[Statement]) -> None:
    """Execute each of *statements* for an order of no listing."""
    for statement in statements:
        await connection.fetch(statement.sql, *(_NOBODY.get(name) for name in statement.names))
