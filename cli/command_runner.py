"""Runner of operator commands: errors become one sentence and an exit code."""

import asyncio
import getpass
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Final

import asyncpg

from cli import process
from cli.database import schema
from shared.errors import SettingsError, SniperError
from shared.postgres.database import Database
from shared.process import lifecycle
from shared.process.runtime import Runtime
from shared.settings import DatabaseSettings, DataSettings, load

OPERATOR_CHARACTERS_MAX: Final = 80


def run(command: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    """Run *command*; exit with code 2 for a wrong argument or setting, and 1 if something is unavailable."""

    async def main(stop: asyncio.Event) -> None:
        # Log lines of libraries would precede the one sentence that a command ends with.
        logging.getLogger().addHandler(logging.NullHandler())
        with explained_database_errors():
            await command(stop)

    lifecycle.run(main)


@contextmanager
def explained_database_errors() -> Iterator[None]:
    """Translate PostgreSQL's errors into one sentence."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise SniperError(f"the database refuses: {error.args[0]}") from None


@asynccontextmanager
async def database() -> AsyncIterator[Database]:
    """Open the configured database, or our own if there is one."""
    _require_data()
    async with process.open_connected_database("operator") as opened, schema.explained_mismatch(opened):
        yield opened


@asynccontextmanager
async def pipeline() -> AsyncIterator[Runtime]:
    """Open the database and the bus."""
    _require_data()
    async with process.open_runtime("operator") as runtime, schema.explained_mismatch(runtime.database):
        yield runtime


def _require_data() -> None:
    """Raise SniperError if there is no database yet: a query must not set up a server."""
    data_dir = load(DataSettings).data_dir
    if load(DatabaseSettings).url is None and not (data_dir / "postgres").exists():
        raise SniperError(f"there is no data in {data_dir} yet: start `sniper up`, or set SNIPER_DATABASE_URL")


def operator_name() -> str:
    """Return the name of the terminal's user, for the record."""
    try:
        return f"cli:{getpass.getuser()}"[:OPERATOR_CHARACTERS_MAX]
    except (KeyError, OSError):
        return "cli"  # A container may run as a user without a name.


def usage_error(error: Exception) -> SettingsError:
    """Return an error that ends the process with code 2, like any wrong argument."""
    return SettingsError(str(error))
