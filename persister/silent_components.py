"""Silent components: those that died are marked as ERROR, since they cannot report it themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import structlog
from asyncpg import Record

from persister.repository import mark_silent, read_health, upsert_health
from shared.errors import TransientError, each_isolated, in_a_line, pause
from shared.events import HealthStatus, utc_now
from shared.postgres.database import Database
from shared.process.heartbeat import HEARTBEAT_SECONDS, SHUTDOWN_REPORT_SECONDS, Component, effective_status

log = structlog.get_logger()

LOOK_SECONDS: Final = 1.0
LOOK_SECONDS_MAX: Final = 5.0
GRACE_SECONDS: Final = HEARTBEAT_SECONDS + 1


async def watch_for_silence(
    database: Database,
    stop: asyncio.Event,
    *,
    every_seconds: float = LOOK_SECONDS,
    grace_seconds: float = GRACE_SECONDS,
) -> None:
    """Mark silent components as ERROR until *stop* is set.

    After an outage of the persister itself, components get the time of a heartbeat to report first.
    """
    loop = asyncio.get_running_loop()
    judge_from = loop.time() + grace_seconds
    while not stop.is_set():
        if loop.time() >= judge_from and not await _look(database):
            judge_from = loop.time() + grace_seconds
        await pause(every_seconds, stop)


async def _look(database: Database) -> bool:
    """Return whether the database answered."""
    try:
        async with asyncio.timeout(LOOK_SECONDS_MAX):
            await put_silent_in_error(database)
    except (TransientError, TimeoutError):
        return False
    return True


async def put_silent_in_error(database: Database) -> None:
    """Judge every component once, by the database's clock, which all persisters share."""
    async with database.connection() as connection:

        async def look(row: Record) -> None:
            reported = HealthStatus(row["status"])
            if effective_status(reported, row["updated_at"], now=row["now"]) is not reported:
                log.warning("component silent", component=row["component_name"], since=str(row["updated_at"]))
                await mark_silent(connection, row["component_name"], reported, row["updated_at"])

        await each_isolated(await read_health(connection), look, failed=_not_judged)


def _not_judged(row: Record, error: Exception) -> None:
    log.warning("component not judged", component=row["component_name"], reason=in_a_line(error))


@asynccontextmanager
async def last_report(component: Component, database: Database) -> AsyncIterator[None]:
    """Write the persister's own shutdown report at the end of the block: no process is left to consume it."""
    try:
        yield
    finally:
        with suppress(TransientError, TimeoutError):
            async with asyncio.timeout(SHUTDOWN_REPORT_SECONDS), database.connection() as connection:
                await upsert_health(connection, [component.report(utc_now())])
