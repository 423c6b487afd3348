"""Pauses of detection, by an operator or because another ingest watches: sources rest, what they missed is late."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final

import structlog

from ingest.lease import Lease
from ingest.source import Report, Source, watch_all
from shared.backoff import pause
from shared.control.monitor_switch import Pause, pause_in_force
from shared.errors import TransientError
from shared.postgres.database import Database
from shared.process.lifecycle import StoppedWhileWaitingError

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 0.5

Step = Callable[[], Awaitable[None]]


class Pauses:
    """Whether detection is paused; while the database does not say, whatever it said last."""

    def __init__(self, database: Database, lease: Lease, stop: asyncio.Event) -> None:
        self._database = database
        self._lease = lease
        self._stop = stop
        self._pause: Pause | None = None
        self._suspended, self._running = asyncio.Event(), asyncio.Event()

    @property
    def is_paused(self) -> bool:
        return self._pause is not None or not self._lease.is_held

    def __call__(self) -> str:
        """Say who paused it, or who watches instead, for health; empty where it watches."""
        return self._lease() if self._pause is None else str(self._pause)

    async def refresh(self) -> None:
        """Read what stands now; raise TransientError when the database is away."""
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
        """Look again and again, until it is time to stop."""
        while not self._stop.is_set():
            await pause(LOOK_SECONDS, self._stop)
            try:
                await self.refresh()
            except TransientError as error:
                log.debug("pauses were not read", reason=str(error))
            except Exception:
                log.exception("pauses were not read")  # It goes on as it was.
        self._suspended.set()
        self._running.set()

    async def watch(self, sources: Sequence[Source], report: Report, *, suspend: Step, resume: Step) -> None:
        """Watch *sources* until it is time to stop, but not during pauses.

        *suspend* finishes what is under way when a pause begins; *resume* starts over after it. Call `refresh` first.
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
