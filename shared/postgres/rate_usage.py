"""The use of the exchange's rate limits, kept in the database, so that the next start of a service goes on from there.

The exchange goes on counting, and banning, when a process ends. Times are the database's: no clock of ours decides.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final, Never, Protocol

import asyncpg
import structlog

from shared.backoff import pause
from shared.errors import TransientError
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

STORE_SECONDS: Final = 0.5
"""A process that is killed leaves what it used since the last store unknown."""
ANSWER_SECONDS: Final = 2.0

_NOT_THERE: Final = (TransientError, TimeoutError, asyncpg.PostgresError)
"""No service stops for want of this table."""

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
    """What counts against the limits, by name, and for how long nothing may be asked."""

    used: Mapping[str, int]
    quiet_seconds: float = 0.0
    banned: bool = False
    age_seconds: float = 0.0


NO_USAGE: Final = Usage({})


class RateLimiter(Protocol):
    """The rate limiter of a service."""

    refused: asyncio.Event
    """Set when the exchange asked for quiet."""

    def usage(self) -> Usage:
        """Return the present use."""

    def presumed(self) -> Usage:
        """Return the most that may be used before the first store."""

    def resume(self, before: Usage | None) -> None:
        """Go on from what was used *before*; None where that is not known."""


@asynccontextmanager
async def persisted_usage(database: Database, service: str, spender: RateLimiter) -> AsyncIterator[None]:
    """Let *spender* go on from what was used before, and remember what it uses during the block."""
    spender.resume(await _read(database, service))
    await _store(database, service, spender.presumed())
    # A TaskGroup would wrap what the block raises.
    storing = asyncio.create_task(_keep(database, service, spender), name="rate-usage")
    try:
        yield
    finally:
        storing.cancel()
        await asyncio.wait([storing])
        await _store(database, service, spender.usage())


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


async def _keep(database: Database, service: str, spender: RateLimiter) -> Never:
    stored = NO_USAGE
    while True:
        await pause(STORE_SECONDS, spender.refused)
        spender.refused.clear()
        usage = spender.usage()
        if any(usage.used.values()) or usage.quiet_seconds > 0 or usage.used != stored.used:
            stored = usage if await _store(database, service, usage) else NO_USAGE


async def _store(database: Database, service: str, usage: Usage) -> bool:
    try:
        async with asyncio.timeout(ANSWER_SECONDS), database.connection() as connection:
            await connection.execute(STORE, service, usage.quiet_seconds, usage.banned, dict(usage.used))
    except _NOT_THERE as error:
        log.debug("the use of the rate limits was not stored", reason=str(error))
        return False
    return True
