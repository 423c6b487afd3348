"""`sniper acknowledge`: a person has seen what was listed and has no place in an event."""

from rich.console import Console

from api.operator import unplaced
from cli import command_runner


async def acknowledge() -> None:
    """Print the names that were not acknowledged yet, and let ingest's health be well again."""
    async with command_runner.database() as database:
        found = await unplaced.acknowledge(database, by=command_runner.operator())
    lines = [f"{each.symbol}: {each.reason}, seen {each.seen_at:%Y-%m-%d %H:%M:%S} UTC" for each in found]
    Console(soft_wrap=True).print("\n".join(lines) or "nothing to acknowledge", markup=False, highlight=False)
