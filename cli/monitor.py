"""`sniper monitor`: let detection sleep, and go on."""

from rich.console import Console

from api import monitor_switches
from cli import operate


async def pause(reason: str) -> None:
    """Let detection sleep until `resume`."""
    async with operate.database() as database:
        state = await monitor_switches.pause(database, reason, changed_by=operate.operator())
    _print(state.told())


async def resume() -> None:
    """Let detection go on."""
    async with operate.database() as database:
        state = await monitor_switches.resume(database, changed_by=operate.operator())
    _print(state.told())


def _print(line: str) -> None:
    Console(soft_wrap=True).print(line, markup=False, highlight=False)
