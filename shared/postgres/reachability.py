"""Reachability of the database, polled in the background."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from shared.postgres.database import Database

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
            watch.reachable = await database.answers()
            await asyncio.sleep(WATCH_SECONDS)

    polling = asyncio.create_task(poll(), name="database-watch")
    try:
        yield watch
    finally:
        polling.cancel()
        await asyncio.wait([polling])
