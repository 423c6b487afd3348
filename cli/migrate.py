"""`sniper migrate`: bring the schema up to this build's."""

import asyncio

from rich.console import Console

import migrations
from cli import process, schema
from shared import database


async def migrate(stop: asyncio.Event) -> None:
    """Upgrade the database; raise SniperError where it is away or belongs to a newer build."""
    settings = process.ProcessSettings.load()
    async with (
        process.database_url(settings) as url,
        database.connect(settings.database, url, name="migrate") as opened,
    ):
        await schema.upgrade(opened, url, settings.database, stop)
    Console().print(f"the schema is at {migrations.head()}", highlight=False)
