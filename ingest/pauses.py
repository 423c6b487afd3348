"""Pauses of detection, by an operator or while another ingest holds the lease; sightings after one are late."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from ingest.lease import Lease
from ingest.source import Report, Source, watch_all
from shared.control.monitor_switch import Pause, pause_in_force
from shared.errors import TransientError, pause
from shared.postgres.database import Database
from shared.process.lifecycle import StoppedWhileWaitingError

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.5

Step = Callable[[], Awaitable[None]]


class Pauses:
    """State of detection, paused or running; keeps the last known state while the database is away."""

    def __init__(self, database: Database, lease: Lease, stop: asyncio.Event, *, alone: bool = True) -> None:
        """Unless *alone*, detection runs without the lease, too."""
        self._database = database
        self._lease = lease
        self._stop = stop
        self._alone = alone
        self._pause: Pause | None = None
        self._suspended, self._running = asyncio.Event(), asyncio.Event()

    @property
    def is_paused(self) -> bool:
        return self._pause is not None or self._stands_by

    def __call__(self) -> str:
        """Return who paused detection, or which ingest holds the lease, for health; empty while it runs."""
        if self._pause is not None:
            return str(self._pause)
        return self._lease() if self._stands_by else ""

    @property
    def _stands_by(self) -> bool:
        return self._alone and not self._lease.is_held

    async def refresh(self) -> None:
        """Read the present state; raise TransientError when the database is away."""
        await self._lease.refresh()
        async with self._database.connection() as connection:
            in_force = await pause_in_force(connection)
        if in_force != self._pause:
            log.warning("detection is paused" if in_force else "detection goes on", pause=str(in_force or ""))
        self._pause = in_force
        now, not_now = (self._suspended, self._running) if self.is_paused else (self._running, self._suspended)
        now.set()
        not_now.clear()

    async def keep_refreshing(self) -> None:
        """Refresh at intervals until the service stops."""
        while not self._stop.is_set():
            await pause(LOOK_SECONDS, self._stop)
            try:
                await self.refresh()
            except TransientError as error:
                log.debug("pauses were not read", reason=str(error))
            except Exception:
                log.exception("pauses were not read")  # The state stays as it was.
        self._suspended.set()
        self._running.set()

    async def watch(self, sources: Sequence[Source], report: Report, *, suspend: Step, resume: Step) -> None:
        """Watch *sources* until the service stops, except during pauses.

        *suspend* finishes work under way when a pause begins; *resume* starts over after it. Call `refresh` first.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.keep_refreshing(), name="ingest-pauses")
            while True:
                await watch_all(sources, report, self._suspended)
                if self._stop.is_set():
                    return
                with suppress(StoppedWhileWaitingError):
                    await suspend()
                    await self._running.wait()
                    if not self._stop.is_set():
                        await resume()
