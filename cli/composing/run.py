"""`sniper run`: one service in a process of its own, or the two of the express way, as in a container."""

import asyncio

from cli import process
from cli.composing import services


async def run(name: str, stop: asyncio.Event) -> None:
    """Run one service until *stop*, after another process has migrated the schema."""
    parts = services.EXPRESS_PARTS if name == services.EXPRESS else ()
    plan = process.ProcessPlan(name, services=parts or (name,), migrate=False, role=name)
    settings = process.ProcessSettings.load()
    serve = services.prepare((name,))[name]
    async with process.start_process(plan, settings, stop) as own:
        await serve(own.runtime, None)
