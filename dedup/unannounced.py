"""Sightings of listings that were claimed ahead of dedup, published again until the executor has received the listing.

The process that claimed them publishes them, too; it may have been killed before the broker had them.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, Never

import structlog
from asyncpg import Record

from shared.bus.port import Bus
from shared.errors import TransientError, each_isolated, in_a_line
from shared.events import RawListing
from shared.log_pace import LogPace
from shared.postgres.database import Database
from shared.wire.topology import to_message

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.5
# Twice as late each time, though no executor that was away for long has to wait as long again; and by one process at a
# time.
DUE: Final = """
    UPDATE unannounced_listings
    SET due_at = now() + least(greatest(now() - claimed_at, interval '1 second'), interval '5 minutes')
    WHERE listing_key IN (
        SELECT listing_key FROM unannounced_listings WHERE due_at <= now() ORDER BY listing_key FOR UPDATE SKIP LOCKED
    )
    RETURNING listing_key, raw
"""


@asynccontextmanager
async def republishing(database: Database, bus: Bus) -> AsyncIterator[None]:
    """Publish what is due, with its own id, during the block."""
    task = asyncio.create_task(republish(database, bus), name="unannounced")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def republish(database: Database, bus: Bus) -> Never:
    """Publish what is due, until cancelled."""
    pace = LogPace()
    while True:
        try:
            await publish_due(database, bus)
        except TransientError as error:
            if pace.is_due():
                log.warning("claimed sightings not published again", reason=str(error))
        except Exception:
            log.exception("claimed sightings not published again")
        await asyncio.sleep(LOOK_SECONDS)


async def publish_due(database: Database, bus: Bus) -> None:
    """Publish what is due now; raise TransientError when the database or the broker is away."""
    async with database.connection() as connection:
        rows = await connection.fetch(DUE)

    async def publish(row: Record) -> None:
        raw = RawListing.model_validate(row["raw"])
        log.warning("publishing a claimed sighting again", symbol=raw.symbol, listing=row["listing_key"])
        await bus.publish(to_message(raw))

    def log_kept(row: Record, error: Exception) -> None:
        log.error("a claimed sighting cannot be published", listing=row["listing_key"], reason=in_a_line(error))

    await each_isolated(rows, publish, failed=log_kept)
