"""Connections to PostgreSQL: options, and an inspection of encoding and poolers before the first use."""

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any, Final, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from shared import tls
from shared.errors import SettingsError, TransientError
from shared.postgres.error_translation import POOLED, require_utf8
from shared.postgres.postgres_url import PostgresUrl
from shared.postgres.url import driver_url
from shared.settings import DatabaseSettings

Plain: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Session: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

LOCK_TIMEOUT_SECONDS: Final = 1.0
IDLE_IN_TRANSACTION_SECONDS: Final = 5.0
ROUNDS: Final = 3
"""Comparisons of two connections: one is enough, unless others use the same pooler meanwhile."""
BACKEND: Final = "SELECT pg_backend_pid() AS pid, current_setting('server_encoding') AS encoding"


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """Target, timeouts and session parameters of a connection."""

    dsn: str
    connect_seconds: float
    statement_seconds: float
    application: str
    timeouts: dict[str, str]
    by_statement: bool = False
    """Whether the timeouts are set by a statement, because a pooler drops those of the startup."""
    takes_writes: bool = False
    """Whether a server that takes no writes is none, as if it were away."""

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of asyncpg."""
        return {
            "dsn": self.dsn,
            "timeout": self.connect_seconds,
            "command_timeout": self.statement_seconds,
            "server_settings": {"application_name": self.application} | ({} if self.by_statement else self.timeouts),
            # None leaves it to the URL, or to libpq's variable.
            "target_session_attrs": "read-write" if self.takes_writes else None,
        }

    async def open(self) -> Plain:
        """Open one connection."""
        connection: Plain = await asyncpg.connect(**self.arguments())
        await self.prepare(connection)
        return connection

    async def prepare(self, connection: Session) -> None:
        """Set the timeouts of this session."""
        if self.by_statement:
            await connection.execute("; ".join(f"SET {name} = {value}" for name, value in self.timeouts.items()))


async def certificate_expiry(settings: DatabaseSettings, url: PostgresUrl, *, name: str) -> float | None:
    """Return the Unix time at which the certificate ends that the database shows to a new connection.

    None without TLS, and for a certificate that is not checked. Raises what asyncpg raises.
    """
    # By statement, since a pooler may refuse parameters of the startup.
    options = replace(connect_options(settings, url, name=name), by_statement=True)
    connection = await options.open()
    try:
        # The driver has no public name for it. Should this one go, there is no figure, and its test fails.
        transport = getattr(connection, "_transport", None)
        return None if transport is None else tls.expiry_of(transport.get_extra_info("peercert"))
    finally:
        await connection.close()


def write_at_once(connection: Session) -> None:
    """Have statements leave as they are written: uvloop would keep them until the end of its turn.

    With TLS they still wait for that.
    """
    transport = getattr(connection, "_transport", None)  # The driver has no public name for it.
    if transport is not None and transport.get_extra_info("sslcontext") is None:
        transport.set_write_buffer_limits(high=0)


def connect_options(settings: DatabaseSettings, url: PostgresUrl, *, name: str, writes: bool = False) -> ConnectOptions:
    """Return the connection options of a process of this name; one that *writes* passes standbys over.

    Where the URL or libpq's variable says itself which servers will do, that holds.
    """
    is_said = "target_session_attrs" in url.query or "PGTARGETSESSIONATTRS" in os.environ
    return ConnectOptions(
        driver_url(url),
        float(url.query.get("connect_timeout") or 0) or settings.connect_timeout_seconds,
        settings.statement_timeout_seconds,
        url.query.get("application_name") or f"sniper-{name}",
        {
            "statement_timeout": _milliseconds(settings.statement_timeout_seconds),
            "lock_timeout": _milliseconds(LOCK_TIMEOUT_SECONDS),
            "idle_in_transaction_session_timeout": _milliseconds(IDLE_IN_TRANSACTION_SECONDS),
        },
        takes_writes=writes and not is_said,
    )


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


async def inspected_options(options: ConnectOptions) -> ConnectOptions:
    """Return the options after an inspection of the server; raise SettingsError where it is unsuitable."""
    async with AsyncExitStack() as stack:
        first, options = await _first_connection(stack, options)
        pid, encoding = await _backend_of(first)
        require_utf8(encoding)
        # Poolers report process ids of their own.
        if pid == first.get_server_pid():
            return options
        try:
            await _require_sessions(first, await _inspected_connection(stack, options), pid)
        except TimeoutError:
            raise TransientError("database away: the pooler lends no second session; raise its pool size") from None
        # It may silently drop startup parameters.
        return replace(options, by_statement=True)


async def _first_connection(stack: AsyncExitStack, options: ConnectOptions) -> tuple[Plain, ConnectOptions]:
    try:
        return await _inspected_connection(stack, options), options
    except asyncpg.ProtocolViolationError as error:
        if "startup parameter" not in str(error):
            raise
    without = replace(options, by_statement=True)
    return await _inspected_connection(stack, without), without


async def _inspected_connection(stack: AsyncExitStack, options: ConnectOptions) -> Plain:
    # Without named statements, which clash where a pooler shares sessions.
    connection: Plain = await asyncpg.connect(**options.arguments(), statement_cache_size=0)
    stack.callback(connection.terminate)
    return connection


async def _require_sessions(first: Plain, second: Plain, pid: int) -> None:
    """Raise SettingsError unless each connection keeps a server process of its own."""
    for _ in range(ROUNDS):
        async with second.transaction():
            if (await _backend_of(second))[0] == pid or (await _backend_of(first))[0] != pid:
                raise SettingsError(POOLED)


async def _backend_of(connection: Plain) -> tuple[int, str]:
    """Return the server's process id and its encoding."""
    async with connection.transaction():
        row = await connection.fetchrow(BACKEND)
    if row is None:
        raise TransientError("database away: no answer")
    return row["pid"], row["encoding"]
