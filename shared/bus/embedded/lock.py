"""Advisory locks that decide which process consumes a queue."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from shared.errors import TransientError
from shared.postgres.database import Connection, Pool
from shared.postgres.error_translation import away_is_transient

TIMEOUT_SECONDS: Final = 5.0

_TAKE: Final = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))"
_RELEASE: Final = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"


@dataclass(frozen=True, slots=True, eq=False)
class Session:
    """Connection, and the locks held in its session."""

    connection: Connection
    held: set[str]
    lost: asyncio.Event

    @classmethod
    async def open(cls, pool: Pool) -> "Session":
        session = cls(await pool.acquire(), set(), asyncio.Event())
        session.connection.add_termination_listener(lambda _: session.lost.set())
        return session


@dataclass(frozen=True, slots=True)
class QueueLease:
    """Right to consume a queue, while the session it was taken in lives."""

    queue: str
    session: Session


class QueueLocks:
    """Locks of this process's queues, all in one session."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._session: Session | None = None
        self._talking = asyncio.Lock()

    async def take(self, queue: str) -> QueueLease | None:
        """Return the lease on *queue*; None while it is taken. Raise TransientError when the database is away."""
        with away_is_transient():
            async with asyncio.timeout(TIMEOUT_SECONDS), self._talking:
                if self._session is None or self._session.lost.is_set():
                    self._session = await Session.open(self._pool)
                session = self._session
                # A session may take its own lock twice, so the server's answer is not enough.
                if queue in session.held or not await session.connection.fetchval(_TAKE, _key(queue)):
                    return None
                session.held.add(queue)
                return QueueLease(queue, session)

    async def release(self, lease: QueueLease) -> None:
        """Release the queue; raise TransientError when the database is away, which ends the session and its leases."""
        if lease.session.lost.is_set():
            return
        try:
            with away_is_transient():
                async with asyncio.timeout(TIMEOUT_SECONDS), self._talking:
                    await lease.session.connection.execute(_RELEASE, _key(lease.queue))
                    lease.session.held.discard(lease.queue)
        except BaseException:
            # Whether it is released is unknown, and a lock that this process holds is refused to itself.
            lease.session.connection.terminate()
            raise

    async def close(self) -> None:
        """End the session, and with it every lease."""
        session, self._session = self._session, None
        if session is None or session.lost.is_set():
            return
        with suppress(TransientError), away_is_transient():
            async with asyncio.timeout(TIMEOUT_SECONDS):
                # Returned to the pool, the session would keep its locks.
                await session.connection.close()
                await self._pool.release(session.connection)


def _key(queue: str) -> str:
    return f"sniper.bus:{queue}"
