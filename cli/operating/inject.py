"""`sniper inject`: publish a test listing."""

from typing import Final

from pydantic import ValidationError
from rich.console import Console

from api.operator import injection
from api.operator.injection import AlreadyRecordedError, Injection
from cli import command_runner
from shared.control.config_store import Author
from shared.wire.cloudevents import problems

ARGUMENTS: Final = {"symbol": "SYMBOL", "quote_asset": "--quote"}
"""Arguments of the command by the fields they fill."""


async def inject(symbol: str, quote: str) -> None:
    """Publish a raw listing of *symbol*; raise SettingsError if the name is invalid or already recorded."""
    try:
        wanted = Injection(symbol=symbol, quote_asset=quote)
    except ValidationError as error:
        told = "; ".join(f"{ARGUMENTS[field]}: {message}" for field, message in problems(error))
        raise command_runner.usage_error(ValueError(told)) from None
    async with command_runner.pipeline() as runtime:
        try:
            author = Author(command_runner.operator_name())
            injected = await injection.inject(runtime.bus, runtime.database, wanted, author)
        except AlreadyRecordedError as error:
            raise command_runner.usage_error(error) from None
    Console().print(f"injected {injected.symbol}, see `sniper status` for what became of it", highlight=False)
