"""Use of the exchange's rate limits, persisted so that the next start of a service continues from it.

The exchange keeps counting, and banning, after a process has ended. Times are the database's, not ours.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Never, Protocol

import asyncpg
import structlog

from shared.errors import TransientError, pause
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

STORE_SECONDS: Final = 0.5
"""Interval of stores: a killed process leaves its use since the last one unknown."""
ANSWER_SECONDS: Final = 2.0

_NOT_THERE: Final = (TransientError, TimeoutError, asyncpg.PostgresError)
"""No service stops for lack of this table."""

READ: Final = """
SELECT banned, used,
    extract(epoch FROM quiet_until - now())::float8 AS quiet_seconds,
    extract(epoch FROM now() - updated_at)::float8 AS age_seconds
FROM rate_usage WHERE service = $1
"""
STORE: Final = """
INSERT INTO rate_usage AS known (service, quiet_until, banned, used, updated_at)
VALUES ($1, now() + make_interval(secs => $2), $3, $4, now())
ON CONFLICT (service) DO UPDATE SET
    -- A quiet of another process of this service holds as well.
    quiet_until = greatest(known.quiet_until, excluded.quiet_until),
    banned = CASE WHEN known.quiet_until > excluded.quiet_until THEN known.banned ELSE excluded.banned END,
    used = excluded.used, updated_at = excluded.updated_at
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """Use of each limit by name, and the time during which no requests may be sent."""

    used: Mapping[str, int]
    quiet_seconds: float = 0.0
    banned: bool = False
    age_seconds: float = 0.0


NO_USAGE: Final = Usage({})


class RateLimiter(Protocol):
    """Rate limiter of a service."""

    refused: asyncio.Event
    """Set when the exchange refused a request as too many."""

    def usage(self) -> Usage:
        """Return the present use."""

    def presumed(self) -> Usage:
        """Return the most that may be used before the first store."""

    def resume(self, before: Usage | None) -> None:
        """Continue from the use *before*; None where that is unknown."""


@asynccontextmanager
async def persisted_usage(database: Database, service: str, limiter: RateLimiter) -> AsyncIterator[None]:
    """Let *limiter* continue from its stored use, and store its use during the block."""
    limiter.resume(await _read(database, service))
    await _store(database, service, limiter.presumed())
    # A TaskGroup would wrap errors of the block.
    storing = asyncio.create_task(_keep(database, service, limiter), name="rate-usage")
    try:
        yield
    finally:
        storing.cancel()
        await asyncio.wait([storing])
        await _store(database, service, limiter.usage())


async def _read(database: Database, service: str) -> Usage | None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS), database.connection() as connection:
            row = await connection.fetchrow(READ, service)
    except _NOT_THERE as error:
        log.warning("the use of the rate limits is not known", reason=str(error))
        return None
    if row is None:
        return NO_USAGE
    used = row["used"] if isinstance(row["used"], dict) else {}
    known = {name: amount for name, amount in used.items() if isinstance(amount, int) and amount >= 0}
    return Usage(known, max(0.0, row["quiet_seconds"]), row["banned"], max(0.0, row["age_seconds"]))


async def _keep(database: Database, service: str, limiter: RateLimiter) -> Never:
    stored = NO_USAGE
    while True:
        await pause(STORE_SECONDS, limiter.refused)
        limiter.refused.clear()
        try:
            usage = limiter.usage()
            if any(usage.used.values()) or usage.quiet_seconds > 0 or usage.used != stored.used:
                stored = usage if await _store(database, service, usage) else NO_USAGE
        except Exception:
            # An error of one store must not end the others: the next start goes by the last.
            log.exception("the use of the rate limits was not stored")
            stored = NO_USAGE
            await asyncio.sleep(STORE_SECONDS)


async def _store(database: Database, service: str, usage: Usage) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS), database.connection() as connection:
            await connection.execute(STORE, service, usage.quiet_seconds, usage.banned, dict(usage.used))
    except _NOT_THERE as error:
        log.debug("the use of the rate limits was not stored", reason=str(error))
        return False
    return True
