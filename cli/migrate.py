"""`sniper migrate`: bring the schema up to this build's."""

import asyncio

from alembic.util import CommandError
from rich.console import Console

import migrations
from cli import process
from shared import database
from shared.errors import SniperError


async def migrate() -> None:
    """Upgrade the database; raise SniperError where it is away or belongs to a newer build."""
    settings = process.ProcessSettings.load()
    async with process.database_url(settings) as url:
        # Asked first, because it knows how to say that the server is away.
        async with database.connect(settings.database, url, name="migrate"):
            pass
        try:
            await asyncio.to_thread(migrations.upgrade, url.render_as_string(hide_password=False))
        except CommandError as error:
            raise SniperError(f"the schema cannot be migrated: {error}") from None
    Console().print(f"the schema is at {migrations.head()}", highlight=False)
