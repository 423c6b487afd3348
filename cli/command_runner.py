"""Run one operator command: to its end, or to one clear sentence and an exit code."""

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
    """Run *command*; end the process with code 2 for a wrong argument or setting and 1 for what is away."""

    async def main(stop: asyncio.Event) -> None:
        # The libraries' lines would stand before the one sentence that a command ends with.
        logging.getLogger().addHandler(logging.NullHandler())
        with clear_errors():
            await command(stop)

    lifecycle.run(main)


@contextmanager
def clear_errors() -> Iterator[None]:
    """Put what PostgreSQL says about a command into one sentence."""
    try:
        yield
    except asyncpg.PostgresError as error:
        raise SniperError(f"the database refuses: {error.args[0]}") from None


@asynccontextmanager
async def database() -> AsyncIterator[Database]:
    """Open the database that the settings name, or our own if there is one."""
    _require_data()
    async with process.connected_database("operator") as opened, schema.mismatch_in_one_sentence(opened):
        yield opened


@asynccontextmanager
async def pipeline() -> AsyncIterator[Runtime]:
    """Open the database and the bus."""
    _require_data()
    async with process.connected("operator") as runtime, schema.mismatch_in_one_sentence(runtime.database):
        yield runtime


def _require_data() -> None:
    """A question must not set up a database server."""
    data_dir = load(DataSettings).data_dir
    if load(DatabaseSettings).url is None and not (data_dir / "postgres").exists():
        raise SniperError(f"there is no data in {data_dir} yet: start `sniper up`, or set SNIPER_DATABASE_URL")


def operator() -> str:
    """Name who is at the terminal, for the record."""
    try:
        return f"cli:{getpass.getuser()}"[:OPERATOR_CHARACTERS_MAX]
    except (KeyError, OSError):
        return "cli"  # A container may run as a user without a name.


def refused(error: Exception) -> SettingsError:
    """Return what ends the process with code 2, as for any other wrong argument."""
    return SettingsError(str(error))
