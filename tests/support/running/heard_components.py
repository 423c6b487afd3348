"""Components that go on reporting, for pages that are looked at for longer than a silence lasts."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, Never

from shared.postgres.database import Database

HEARD_FOR: Final = timedelta(seconds=30)
"""A report may be as much ahead without being taken for one of before the clock was set back."""
REPORT_SECONDS: Final = 2.0
REPORT: Final = "UPDATE bot_health SET updated_at = clock_timestamp() + $1 WHERE updated_at > clock_timestamp()"


@asynccontextmanager
async def heard_components(database: Database) -> AsyncIterator[None]:
    """Let each component whose report lies ahead report again and again during the block."""

    async def report() -> Never:
        while True:
            async with database.connection() as connection:
                await connection.execute(REPORT, HEARD_FOR)
            await asyncio.sleep(REPORT_SECONDS)

    reporting = asyncio.create_task(report(), name="heard components")
    try:
        yield
    finally:
        reporting.cancel()
