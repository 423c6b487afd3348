"""`sniper inject`: a listing of an operator's own making, on the way of every other."""

from pydantic import ValidationError
from rich.console import Console

from api import injection
from api.injection import AlreadyRecordedError, Injection
from cli import operate
from shared.cloudevents import explain
from shared.config_store import Author


async def inject(symbol: str, quote: str) -> None:
    """Publish a raw listing of *symbol*; raise SettingsError where no listing can be called that, or one is."""
    try:
        wanted = Injection(symbol=symbol, quote_asset=quote)
    except ValidationError as error:
        raise operate.refused(ValueError(explain(error))) from None
    async with operate.pipeline() as runtime:
        try:
            author = Author(operate.operator())
            injected = await injection.inject(runtime.bus, runtime.database, wanted, author)
        except AlreadyRecordedError as error:
            raise operate.refused(error) from None
    Console().print(f"injected {injected.symbol}, see `sniper status` for what became of it", highlight=False)
