"""PostgreSQL: connections with timeouts on everything, and one server of our own where none is given.

Two ways in, on purpose. Statements on the path from frame to order, and batches, go straight through asyncpg:
SQLAlchemy adds three to five times a bare commit there. Everything that reads for people uses SQLAlchemy Core.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from shared.errors import PermanentError, SettingsError, TransientError
from shared.settings import DatabaseSettings

# asyncpg's stubs know these as generic, asyncpg itself does not.
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"

LOCK_TIMEOUT_SECONDS: Final = 1.0
IDLE_IN_TRANSACTION_SECONDS: Final = 5.0
ANSWER_SECONDS_MAX: Final = 2.0
WATCH_SECONDS: Final = 2.0
PORT_MAX: Final = 65_535

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

_REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What says that a value cannot be stored, now or ever: by the server, or by asyncpg before it is sent."""


@dataclass(frozen=True, slots=True)
class Database:
    """One database and the two ways into it."""

    pool: Pool
    engine: AsyncEngine

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection in autocommit; raise TransientError when the server is away."""
        with away_is_transient():
            async with self.pool.acquire() as connection:
                try:
                    yield connection
                except (TimeoutError, asyncio.CancelledError):
                    # Otherwise the pool waits for the answer that its user gave up: seconds, when the server hangs.
                    connection.terminate()
                    raise

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


class Watch:
    """Whether the database answered the last time somebody asked."""

    reachable = True


@asynccontextmanager
async def watched(database: Database) -> AsyncIterator[Watch]:
    """Ask the database every few seconds whether it answers, for those who may not ask themselves."""
    watch = Watch()

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
        reason = f"{type(error).__name__}: {error}" if str(error) else "no answer in time"
        raise TransientError(f"database away: {reason}") from error


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
    """Open the pool and the engine on *url*; raise TransientError when the server is away."""
    timeouts = {
        "application_name": f"sniper-{name}",
        "statement_timeout": _milliseconds(settings.statement_timeout_seconds),
        "lock_timeout": _milliseconds(LOCK_TIMEOUT_SECONDS),
        "idle_in_transaction_session_timeout": _milliseconds(IDLE_IN_TRANSACTION_SECONDS),
    }
    with away_is_transient():
        pool = await asyncpg.create_pool(
            plain(url),
            min_size=2,
            max_size=settings.pool_size,
            # Listings are hours apart, and each must find its statements prepared.
            max_cached_statement_lifetime=0,
            timeout=settings.connect_timeout_seconds,
            command_timeout=settings.statement_timeout_seconds,
            server_settings=timeouts,
            init=_speak_json,
            reset=_keep_session,
        )

    async def open_connection() -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(
            plain(url),
            timeout=settings.connect_timeout_seconds,
            command_timeout=settings.statement_timeout_seconds,
            server_settings=timeouts,
        )

    engine = create_async_engine(
        url,
        # SQLAlchemy would read the URL's options in a way of its own, and does not know sslmode.
        async_creator=open_connection,
        pool_size=2,
        max_overflow=3,
        pool_timeout=2,
        pool_pre_ping=True,
    )
    try:
        yield Database(pool, engine)
    finally:
        await engine.dispose()
        await _close(pool)


async def _close(pool: Pool) -> None:
    try:
        async with asyncio.timeout(2):
            await pool.close()
    except TimeoutError:
        pool.terminate()


async def _speak_json(connection: "asyncpg.Connection[asyncpg.Record] | Connection") -> None:
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)


async def _keep_session(_: "asyncpg.Connection[asyncpg.Record] | Connection") -> None:
    """Nobody here changes session state, so giving a connection back needs no round trip to reset it."""


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


def parse_url(text: str, *, variable: str) -> URL:
    """Return the SQLAlchemy form of a ``postgresql://`` URL; raise SettingsError naming *variable*."""
    try:
        url = make_url(text).set(drivername="postgresql+asyncpg")
    except (ArgumentError, ValueError):  # The latter for a port that is no number, quoting it.
        raise SettingsError(f"{variable}: is not a database URL") from None
    if url.port is not None and not 0 < url.port <= PORT_MAX:
        raise SettingsError(f"{variable}: the port must be from 1 to {PORT_MAX}")
    return url


def plain(url: URL) -> str:
    """Return the form that PostgreSQL's own tools and asyncpg read."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
