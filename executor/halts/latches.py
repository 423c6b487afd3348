"""Halt latches of the executor: each holds, over restarts, until an operator resumes."""

from enum import StrEnum
from typing import Final

import structlog

from shared.events import Mode
from shared.postgres.database import Connection

log = structlog.get_logger(__name__)


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


async def latch(connection: Connection, cause: HaltCause, mode: Mode | None, reason: str) -> None:
    """Halt purchases in *mode* (None: in both) until an operator resumes, unless that halt is in force."""
    if await connection.fetchval(LATCH, cause, mode, reason):
        log.error("trading halted", cause=cause, mode=mode, reason=reason)
