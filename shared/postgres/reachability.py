"""Reachability of the database, polled in the background."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from shared.postgres.database import Database

log = structlog.get_logger(__name__)

WATCH_SECONDS: Final = 2.0


class Reachability:
    """Whether the database answered the latest check."""

    reachable = True


@asynccontextmanager
async def watching_reachability(database: Database) -> AsyncIterator[Reachability]:
    """Check at intervals whether the database answers."""
    watch = Reachability()

    async def poll() -> None:
        while True:
            try:
                watch.reachable = await database.answers()
            except Exception:
                # Otherwise the last answer would stand for ever.
                watch.reachable = False
                log.exception("the database was not asked whether it answers")
            await asyncio.sleep(WATCH_SECONDS)

    polling = asyncio.create_task(poll(), name="database-watch")
    try:
        yield watch
    finally:
        polling.cancel()
        await asyncio.wait([polling])
