"""`sniper monitor`: pause and resume detection."""

from rich.console import Console

from api.operator import monitor_switches
from cli import command_runner


async def pause(reason: str) -> None:
    """Pause detection until `resume`."""
    async with command_runner.database() as database:
        state = await monitor_switches.pause(database, reason, changed_by=command_runner.operator_name())
    _print(state.message())


async def resume() -> None:
    """Resume detection."""
    async with command_runner.database() as database:
        state = await monitor_switches.resume(database, changed_by=command_runner.operator_name())
    _print(state.message())


def _print(line: str) -> None:
    Console(soft_wrap=True).print(line, markup=False, highlight=False)
