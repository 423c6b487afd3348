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

    async def look() -> None:
        while True:
            watch.reachable = await database.answers()
            await asyncio.sleep(WATCH_SECONDS)

    looking = asyncio.create_task(look(), name="database-watch")
    try:
        yield watch
    finally:
        looking.cancel()
        await asyncio.wait([looking])
