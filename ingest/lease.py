"""Lease that decides which of several ingests watches the exchange; the others stand by.

No clock decides, only observation: a lease is free when it did not beat for a while during which the database
answered every look. So the holder keeps it while the database is away, and no process takes over meanwhile.
"""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog

from shared.errors import TransientError
from shared.postgres.database import Connection, Database
from shared.process.heartbeat import Component

log = structlog.get_logger(__name__)

NAME: Final = "ingest"
STALL_SECONDS: Final = 2.0
"""A lease without a beat for this long is free."""
LEAVE_SECONDS: Final = 1.0
NOBODY: Final = ""

MAKE: Final = "INSERT INTO leases (name, holder) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"
READ: Final = "SELECT holder, beats FROM leases WHERE name = $1"
BEAT: Final = """
    UPDATE leases SET beats = beats + 1, updated_at = now() WHERE name = $1 AND holder = $2 RETURNING true
"""
TAKE: Final = """
    UPDATE leases SET holder = $2, beats = beats + 1, updated_at = now() WHERE name = $1 AND beats = $3 RETURNING true
"""
LEAVE: Final = "UPDATE leases SET holder = '', beats = beats + 1, updated_at = now() WHERE name = $1 AND holder = $2"


@dataclass(frozen=True, slots=True)
class ObservedLease:
    """Lease as held by another process, and since when it has not changed."""

    holder: str
    beats: int
    since: float


class Lease:
    """Lease of this process."""

    def __init__(
        self, database: Database, *, holder: str | None = None, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._database = database
        self._holder = holder or f"{socket.gethostname()[:60]} process {os.getpid()} ({secrets.token_hex(4)})"
        self._now = now
        self._observed: ObservedLease | None = None
        self.is_held = False
        self.changed: Callable[[], None] = lambda: None
        """Called when it was taken or found to be lost."""

    def __call__(self) -> str:
        """Return which process watches instead; empty while we hold the lease."""
        if self.is_held:
            return ""
        return f"stands by: {self._observed.holder if self._observed is not None else 'another process'} watches"

    async def refresh(self) -> None:
        """Beat while we hold it, otherwise take it if it is free; raise TransientError, and keep its state."""
        try:
            async with self._database.connection() as connection:
                held = await (self._beat(connection) if self.is_held else self._try_take(connection))
        except BaseException:
            self._observed = None  # A gap in observation proves nothing.
            raise
        if held != self.is_held:
            if held:
                log.info("this ingest watches", holder=self._holder)
            else:
                log.warning("another ingest watches", holder=self._holder)
            self.is_held = held
            self.changed()

    async def release(self) -> None:
        """Release the lease, so that another process can take it at once."""
        if self.is_held:
            async with self._database.connection() as connection:
                await connection.execute(LEAVE, NAME, self._holder)
            self.is_held = False

    async def _beat(self, connection: Connection) -> bool:
        return bool(await connection.fetchval(BEAT, NAME, self._holder))

    async def _try_take(self, connection: Connection) -> bool:
        row = await connection.fetchrow(READ, NAME)
        if row is None:
            await connection.execute(MAKE, NAME, self._holder)
            return await self._beat(connection)
        if not self._seems_free(row["holder"], row["beats"]):
            return False
        return bool(await connection.fetchval(TAKE, NAME, self._holder, row["beats"]))

    def _seems_free(self, holder: str, beats: int) -> bool:
        if holder == NOBODY:
            return True
        if self._observed is None or (self._observed.holder, self._observed.beats) != (holder, beats):
            self._observed = ObservedLease(holder, beats, self._now())
        return self._now() - self._observed.since >= STALL_SECONDS


@asynccontextmanager
async def hold_lease(database: Database, component: Component, *, alone: bool = True) -> AsyncIterator[Lease]:
    """Try for the lease during the body, and release it at the end; if *alone*, only the holder reports health."""
    lease = Lease(database)
    if alone:
        component.silent_while(lambda: not lease.is_held)
    lease.changed = component.changed.set
    try:
        yield lease
    finally:
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await lease.release()
        except (TransientError, TimeoutError) as error:
            log.debug("the lease was not left", reason=str(error))
