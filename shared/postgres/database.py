"""Access to PostgreSQL, with timeouts on everything.

Two ways, on purpose: services use asyncpg directly, since SQLAlchemy adds three to five times a bare commit, and its
engine eight megabytes per process. Commands that read for people use SQLAlchemy Core.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared.errors import TransientError
from shared.postgres.dialling import Session, connect_options, inspected_options, write_at_once
from shared.postgres.engine import EngineOnDemand
from shared.postgres.error_translation import UNUSABLE, away_is_transient, refusals_are_settings, unusable
from shared.postgres.postgres_url import PostgresUrl
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
CLOSE_SECONDS_MAX: Final = 2.0
IS_READ_ONLY: Final = "SELECT current_setting('transaction_read_only') = 'on'"


@dataclass(frozen=True, slots=True)
class Database:
    """Database, with an asyncpg pool and an SQLAlchemy engine."""

    pool: Pool
    engines: EngineOnDemand
    takes_writes: bool = field(default=False, kw_only=True)
    """Whether a server that takes no writes is no answer."""

    @property
    def engine(self) -> "AsyncEngine":
        """Return the SQLAlchemy engine."""
        return self.engines.get()

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """Lend a connection in autocommit; raise TransientError when the server or its schema is unusable."""
        return _PooledConnection(self.pool)

    def has_spare(self) -> bool:
        """Return whether a connection could be lent at once, also to a task that holds one."""
        return self.pool.get_idle_size() > 0 or self.pool.get_size() < self.pool.get_max_size()

    def has_idle(self, count: int) -> bool:
        """Return whether so many connections are open and idle: a task could be lent one without waiting for it."""
        return self.pool.get_idle_size() >= count

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """Lend a connection whose session may be changed, for example to listen: it is closed after the block."""
        async with self.connection() as connection:
            try:
                yield connection
            finally:
                _end(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection inside one READ COMMITTED transaction; raise TransientError when the server is away.

        During the commit that leaves the outcome unknown: read again by key before acting on it.
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
        """Return whether the server answers within the timeout, and takes writes where those are needed."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS_MAX), self.connection() as connection:
                if await connection.fetchval(IS_READ_ONLY) and self.takes_writes:
                    raise asyncpg.ReadOnlySQLTransactionError("it takes no writes")  # Then none of them is kept.
        except (TransientError, TimeoutError):
            return False
        return True


@dataclass(slots=True, eq=False)
class _PooledConnection(AbstractAsyncContextManager[Connection]):
    """Connection of the pool during a block. No generator: this is on the hot path of orders."""

    pool: Pool
    connection: Connection = field(init=False)

    async def __aenter__(self) -> Connection:
        try:
            self.connection = await self.pool.acquire()
        except UNUSABLE as error:
            raise unusable(error) from error
        return self.connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (TimeoutError, asyncio.CancelledError)):
            # Otherwise the pool waits for the abandoned answer: seconds, when the server hangs.
            _end(self.connection)
        elif isinstance(error, asyncpg.ReadOnlySQLTransactionError):
            # A standby by now, or made read-only; and so, perhaps, are the servers of the others. All are dialled anew:
            # reads would succeed on them for ever, and let positions look watched that nothing can sell.
            _end(self.connection)
            await self.pool.expire_connections()
        try:
            await self.pool.release(self.connection)
        except UNUSABLE as failure:
            raise unusable(failure) from failure
        if isinstance(error, UNUSABLE):
            raise unusable(error) from error


@asynccontextmanager
async def connect(
    settings: DatabaseSettings, url: PostgresUrl, *, name: str, writes: bool = False
) -> AsyncIterator[Database]:
    """Open the pool and the engine on *url*; for who *writes*, on a server that takes writes.

    Raises TransientError when the server is away, SettingsError for a permanent refusal.
    """
    require_files(url)
    with away_is_transient(), refusals_are_settings():
        options = await inspected_options(connect_options(settings, url, name=name, writes=writes))

        async def prepare(connection: Session) -> None:
            await options.prepare(connection)
            write_at_once(connection)
            await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)

        async def keep_session(_: Session) -> None:
            """No code changes session state, so a returned connection needs no round trip to reset it."""

        pool = await asyncpg.create_pool(
            **options.arguments(),
            min_size=2,
            max_size=settings.pool_size,
            # Listings are hours apart, and each must find its statements prepared, on a connection that is open.
            max_cached_statement_lifetime=0,
            max_queries=sys.maxsize,
            init=prepare,
            reset=keep_session,
        )

    engines = EngineOnDemand(options)
    try:
        yield Database(pool, engines, takes_writes=options.takes_writes)
    finally:
        try:
            async with asyncio.timeout(CLOSE_SECONDS_MAX):
                await engines.dispose()
                await pool.close()
        except TimeoutError:
            pool.terminate()


def _end(connection: Connection) -> None:
    """Close *connection* at once; one closed by the server has left the pool already."""
    with suppress(asyncpg.InterfaceError):
        connection.terminate()
