"""`sniper acknowledge`: confirm listings whose names fit no event."""

from rich.console import Console

from api.operator import unplaced_symbols
from cli import command_runner


async def acknowledge() -> None:
    """Acknowledge and print the unplaced names, which restores ingest's health."""
    async with command_runner.database() as database:
        found = await unplaced_symbols.acknowledge(database, by=command_runner.operator_name())
    lines = [f"{each.symbol}: {each.reason}, seen {each.seen_at:%Y-%m-%d %H:%M:%S} UTC" for each in found]
    Console(soft_wrap=True).print("\n".join(lines) or "nothing to acknowledge", markup=False, highlight=False)
