"""`sniper migrate`: upgrade the schema to this build's; grant each service's role its rights, rename the exchange."""

import asyncio
from collections.abc import Sequence

import asyncpg
from rich.console import Console

import migrations
from cli import process
from cli.database import schema
from migrations import roles as named_roles
from shared.control.exchange_identity import rename_exchange
from shared.errors import SettingsError, TransientError
from shared.postgres import database
from shared.postgres.database import Database
from shared.postgres.error_translation import first_line


async def migrate(stop: asyncio.Event, *, roles: bool = False, exchange: str | None = None) -> None:
    """Upgrade the database; raise SniperError if it is unavailable or belongs to a newer build."""
    settings = process.ProcessSettings.load()
    async with (
        process.database_url(settings) as url,
        database.connect(settings.database, url, name="migrate") as opened,
    ):
        await schema.upgrade(opened, url, settings.database, stop)
        signing_in = await give_rights(opened) if roles else ()
        renamed = None if exchange is None else await rename_exchange(opened, exchange)
    Console().print(f"the schema is at {migrations.head()}", highlight=False)
    if renamed is not None:
        Console().print(f"the database is that of the exchange at {renamed}", highlight=False)
    if roles:
        Console().print(f"rights are given to {', '.join(named_roles.names())}", highlight=False, soft_wrap=True)
    for name in signing_in:
        told = f"{name} may sign in, and nobody should as it: have an administrator run ALTER ROLE {name} NOLOGIN"
        Console(stderr=True).print(told, highlight=False, soft_wrap=True)


async def give_rights(opened: Database) -> Sequence[str]:
    """Create missing roles and grant each its rights; raise SettingsError if we may not.

    Return the groups that still may sign in because we may not change them.
    """
    try:
        async with opened.session() as connection:
            await connection.execute(named_roles.script())
            found = await connection.fetch(named_roles.SIGN_IN, list(named_roles.groups()))
            return [row["name"] for row in found]
    except TransientError as error:
        if isinstance(error.__cause__, asyncpg.InsufficientPrivilegeError):
            raise SettingsError(
                f"the roles cannot be given their rights: {first_line(error.__cause__)}: run this as the owner of the "
                f"tables, after an administrator made {', '.join(named_roles.names())} or gave the owner CREATEROLE"
            ) from None
        raise
