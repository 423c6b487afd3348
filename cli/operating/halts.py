"""`sniper halt`, `halt-and-close` and `resume`: stop purchases, sell everything, resume."""

from rich.console import Console

from api.operator import trade_config
from cli import command_runner
from cli.operating.config import show


async def halt(reason: str, *, exits: bool) -> None:
    """Stop purchases, and *exits* too, until `resume`."""
    async with command_runner.database() as database:
        show(await trade_config.halt(database, reason, changed_by=command_runner.operator_name(), exits=exits))


async def halt_and_close(reason: str) -> None:
    """Stop purchases, and request the sale of everything held."""
    async with command_runner.database() as database:
        done = await trade_config.halt_and_sell(database, reason, changed_by=command_runner.operator_name())
    Console(soft_wrap=True).print(done.message(), markup=False, highlight=False)


async def resume() -> None:
    """Allow trading again, within the limits."""
    async with command_runner.database() as database:
        show(await trade_config.resume(database, changed_by=command_runner.operator_name()))
