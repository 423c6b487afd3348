"""Halts that the executor latches itself. Each holds, over restarts, until an operator resumes."""

from enum import StrEnum
from typing import Final

import structlog

from shared.events import Mode
from shared.postgres.database import Connection

log = structlog.get_logger(__name__)


class Cause(StrEnum):
    """What the executor found reason to halt for."""

    SIGNAL = "signal"
    """Somebody sent it SIGUSR1."""
    FILE = "file"
    """The halt file was there."""
    FAILURES = "failures"
    """Too many orders in a row failed, or their outcome was unknown."""
    MASS_LISTING = "mass_listing"
    """More coins were listed within a minute than can be true."""
    CREDENTIALS = "credentials"
    """The exchange does not accept our keys."""
    HOLDINGS = "holdings"
    """The account holds what no position explains."""
    DAILY_LOSS = "daily_loss"
    """As much was lost on a day as an operator allows."""
    APPEARED = "appeared"
    """An order that was given up appeared at the exchange after all."""


# Latching and resuming take turns on the row of trade_config, which is what the lock is for, so that nobody lifts a
# halt that was not there to be seen yet. And it is newer than the latest resumption whatever a clock says.
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


async def latch(connection: Connection, cause: Cause, mode: Mode | None, reason: str) -> None:
    """Halt purchases in *mode* (None: in both) until an operator resumes; nothing where that halt is in force."""
    if await connection.fetchval(LATCH, cause, mode, reason):
        log.error("trading halted", cause=cause, mode=mode, reason=reason)
