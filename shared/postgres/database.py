"""PostgreSQL: connections with timeouts on everything, and one server of our own where none is given.

Two ways in, on purpose. Services go straight through asyncpg: SQLAlchemy adds three to five times a bare commit, and
its engine eight megabytes to a process. Commands that read for people use SQLAlchemy Core.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import URL

from shared.errors import TransientError
from shared.postgres.dialling import Session, connect_options, inspected_options
from shared.postgres.engine import EngineOnDemand
from shared.postgres.error_translation import UNUSABLE, away_is_transient, unusable
from shared.postgres.refusals import refusals_are_settings
from shared.postgres.url import parse_url
from shared.postgres.url_files import require_files
from shared.settings import DatabaseSettings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = ["Connection", "Database", "Pool", "connect", "parse_url"]

# asyncpg's stubs know these as generic, asyncpg itself does not.
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

ANSWER_SECONDS_MAX: Final = 2.0


@dataclass(frozen=True, slots=True)
class Database:
    """One database and the two ways into it."""

    pool: Pool
    engines: EngineOnDemand

    @property
    def engine(self) -> "AsyncEngine":
        """The way in of SQLAlchemy."""
        return self.engines.get()

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection in autocommit; raise TransientError when the server is away or not as we need it."""
        return _PooledConnection(self.pool)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """Lend a connection whose session may be changed, to listen for instance: it ends with the block."""
        async with self.connection() as connection:
            try:
                yield connection
            finally:
                _end(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside one READ COMMITTED transaction; raise TransientError when the server is away.

        When that happens during the commit, the outcome is unknown: read again by key before acting on it.
        """
        async with self.connection() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                yield connection
            except (TimeoutError, asyncio.CancelledError):
                raise  # The connection ends, and the transaction with it.
            except BaseException:
                await transaction.rollback()
                raise
            await transaction.commit()

    async def answers(self) -> bool:
        """Tell whether the server answers now, or soon enough."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX), self.connection() as connection:
                await connection.execute("SELECT 1")
        except (TransientError, TimeoutError):
            return False
        return True


class _PooledConnection(AbstractAsyncContextManager[Connection]):
    """A connection of the pool for the time of a block. No generator: orders wait for this."""

    _connection: Connection

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def __aenter__(self) -> Connection:
        try:
            self._connection = await self._pool.acquire()
        except UNUSABLE as error:
            raise unusable(error) from error
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (TimeoutError, asyncio.CancelledError)):
            # Otherwise the pool waits for the answer that its user gave up: seconds, when the server hangs.
            _end(self._connection)
        try:
            await self._pool.release(self._connection)
        except UNUSABLE as failure:
            raise unusable(failure) from failure
        if isinstance(error, UNUSABLE):
            raise unusable(error) from error


@asynccontextmanager
async def connect(settings: DatabaseSettings, url: URL, *, name: str) -> AsyncIterator[Database]:
    """Open the pool and the engine on *url*.

    Raises TransientError when the server is away, SettingsError where it refuses what it will refuse again.
    """
    require_files(url)
    with away_is_transient(), refusals_are_settings():
        options = await inspected_options(connect_options(settings, url, name=name))

        async def prepare(connection: Session) -> None:
            await options.prepare(connection)
            await _speak_json(connection)

        pool = await asyncpg.create_pool(
            **options.arguments(),
            min_size=2,
            max_size=settings.pool_size,
            # Listings are hours apart, and each must find its statements prepared.
            max_cached_statement_lifetime=0,
            init=prepare,
            reset=_keep_session,
        )

    engines = EngineOnDemand(url, options)
    try:
        yield Database(pool, engines)
    finally:
        await engines.dispose()
        await _close(pool)


def _end(connection: Connection) -> None:
    """Close *connection* at once; one that the server closed has left the pool's hands already."""
    with suppress(asyncpg.InterfaceError):
        connection.terminate()


async def _close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(2):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def _speak_json(connection: Session) -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


async def _keep_session(_: Session) -> None:
    """Nobody here changes session state, so giving a connection back needs no round trip to reset it."""
