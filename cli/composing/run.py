"""`sniper run`: one service in a process of its own, what a container runs."""

import asyncio

from cli import process
from cli.composing import services


async def run(name: str, stop: asyncio.Event) -> None:
    """Run one service until *stop*, on a schema that is migrated elsewhere."""
    plan, settings = process.Plan(name, services=(name,), migrate=False), process.ProcessSettings.load()
    serve = services.prepare((name,))[name]
    async with process.started(plan, settings, stop) as own:
        await serve(own.runtime, None)
