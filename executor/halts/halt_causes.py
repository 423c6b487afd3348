"""Causes of halts, and their latches: each holds, over restarts, until an operator resumes; the count that sets one."""

from enum import StrEnum
from typing import Final

import structlog

from executor.model import Order, Reason
from shared.events import Mode, Side
from shared.postgres.database import Connection

log = structlog.get_logger(__name__)
# The lock on the row of trade_config serialises latching and resuming, so that no resume lifts a halt that was not
# visible yet. And a halt is newer than the latest resume whatever the clocks say.
LATCH: Final = """
WITH config AS (
    SELECT resumed_at FROM trade_config WHERE id = 1 FOR SHARE
), lifted AS (
    SELECT coalesce((SELECT resumed_at FROM config), '-infinity') AS at
)
INSERT INTO halts (cause, mode, reason, created_at)
SELECT $1::varchar, $2::varchar, $3, greatest(clock_timestamp(), lifted.at + interval '1 microsecond')
FROM lifted
WHERE NOT EXISTS (
    SELECT FROM halts WHERE cause = $1::varchar AND mode IS NOT DISTINCT FROM $2::varchar AND created_at > lifted.at
)
RETURNING true
"""
# In a row: since an order was last taken, and since trading was last resumed.
PAIR_REFUSALS: Final = """
WITH since AS (
    SELECT greatest(
        coalesce((SELECT resumed_at FROM trade_config WHERE id = 1), '-infinity'),
        coalesce((
            SELECT max(updated_at) FROM orders WHERE mode = $1 AND side = 'BUY' AND exchange_order_id IS NOT NULL
        ), '-infinity')
    ) AS at
)
SELECT count(DISTINCT orders.symbol) FROM orders, since
WHERE orders.mode = $1 AND orders.side = 'BUY' AND orders.state = 'rejected' AND orders.updated_at > since.at
    AND left(orders.error_reason, length($2::text)) = $2::text
"""


class HaltCause(StrEnum):
    """Cause of a halt by the executor."""

    SIGNAL = "signal"
    """The process received SIGUSR1."""
    FILE = "file"
    """The halt file exists."""
    FAILURES = "failures"
    """Too many orders in a row failed, or their outcome was unknown."""
    MASS_LISTING = "mass_listing"
    """More coins were listed within a minute than are plausible."""
    CREDENTIALS = "credentials"
    """The exchange does not accept our keys."""
    HOLDINGS = "holdings"
    """The account holds coins that no position explains."""
    DAILY_LOSS = "daily_loss"
    """The loss of a day reached the limit."""
    APPEARED = "appeared"
    """A given-up order appeared at the exchange after all."""
    JOURNAL = "journal"
    """The database has lost what it had confirmed of an order."""


async def latch(connection: Connection, cause: HaltCause, mode: Mode | None, reason: str) -> None:
    """Halt purchases in *mode* (None: in both) until an operator resumes, unless that halt is in force."""
    if await connection.fetchval(LATCH, cause, mode, reason):
        log.error("trading halted", cause=cause, mode=mode, reason=reason)


async def halt_if_many_pairs_refused(connection: Connection, order: Order, most: int) -> None:
    """Latch the halt of the mode of *order*, refused as a pair, where it is the *most*-th symbol in a row that was."""
    if order.side is Side.SELL:
        return
    symbols = await connection.fetchval(PAIR_REFUSALS, order.mode, Reason.PAIR_REFUSED)
    if symbols >= most:
        words = f"{symbols} symbols in a row are barred to us, last {order.symbol}"
        await latch(connection, HaltCause.CREDENTIALS, order.mode, words)
