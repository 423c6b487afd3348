"""PostgreSQL: connections with timeouts on everything, and one server of our own where none is given.

Two ways in, on purpose. Services go straight through asyncpg: SQLAlchemy adds three to five times a bare commit, and
its engine eight megabytes to a process. Commands that read for people use SQLAlchemy Core.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import URL

from shared.errors import PermanentError, SchemaError, TransientError
from shared.postgres.dialling import Session, connect_options, inspected_options
from shared.postgres.engine import EngineOnDemand
from shared.postgres.refusals import first_line, refusals_are_settings
from shared.postgres.url import parse_url
from shared.postgres.url_files import require_files
from shared.settings import DatabaseSettings

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

__all__ = [
    "Connection",
    "Database",
    "Pool",
    "Reachability",
    "away_is_transient",
    "connect",
    "parse_url",
    "refused_is_permanent",
    "watching_reachability",
]

# asyncpg's stubs know these as generic, asyncpg itself does not.
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

ANSWER_SECONDS_MAX: Final = 2.0
WATCH_SECONDS: Final = 2.0

_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.OperatorInterventionError,
    asyncpg.PostgresSystemError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InternalClientError,
)
"""What says that the server is away, busy, on its way down or letting nobody in, not that the statement is wrong."""

_NOT_OURS = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.InvalidCachedStatementError,
)
"""Errors of tables that are not those of this build, any more or yet."""

_UNUSABLE = (*_AWAY, *_NOT_OURS, asyncpg.InsufficientPrivilegeError)
"""All that may be mended while one waits."""

OWN_ROLE: Final = (
    "sign in as the role that is meant for this, and let the owner of the tables run `sniper migrate --roles`"
)

_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What says that a value cannot be stored, now or ever: by the server, or by asyncpg before it is sent."""


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
        except _UNUSABLE as error:
            raise _unusable(error) from error
        return self._connection

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, (TimeoutError, asyncio.CancelledError)):
            # Otherwise the pool waits for the answer that its user gave up: seconds, when the server hangs.
            _end(self._connection)
        try:
            await self._pool.release(self._connection)
        except _UNUSABLE as failure:
            raise _unusable(failure) from failure
        if isinstance(error, _UNUSABLE):
            raise _unusable(error) from error


class Reachability:
    """Whether the database answered the last time somebody asked."""

    reachable = True


@asynccontextmanager
async def watching_reachability(database: Database) -> AsyncIterator[Reachability]:
    """Ask the database every few seconds whether it answers, for those who may not ask themselves."""
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


@contextmanager
def away_is_transient() -> Iterator[None]:
    """Translate the many ways a server can be away into TransientError."""
    try:
        yield
    except _AWAY as error:
        raise _away(error) from error


def _unusable(error: Exception) -> TransientError:
    """Return what to raise for an error that may be mended while one waits."""
    if isinstance(error, _NOT_OURS):
        return SchemaError(f"the schema is not that of this build: {first_line(error)}")
    if isinstance(error, asyncpg.InsufficientPrivilegeError):
        return TransientError(f"the database refuses: {first_line(error)}: {OWN_ROLE}")
    return _away(error)


def _away(error: Exception) -> TransientError:
    if isinstance(error, asyncpg.LockNotAvailableError):
        return TransientError(f"database busy: another session holds a lock: {first_line(error)}")
    reason = f"{type(error).__name__}: {error}" if str(error) else "no answer in time"
    return TransientError(f"database away: {reason}")


@contextmanager
def refused_is_permanent() -> Iterator[None]:
    """Translate a value that the database will never take into PermanentError, in the database's words."""
    try:
        yield
    except _REFUSED as error:
        # The lines after the first repeat the row.
        raise PermanentError(f"database: {str(error).partition(chr(10))[0]}") from error


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
