"""`sniper inject`: a listing of our own making, on the way of every other."""

import re
import uuid

from pydantic import ValidationError
from rich.console import Console

from cli import operate
from shared.cloudevents import explain
from shared.errors import SettingsError
from shared.events import RawListing, Source, utc_now
from shared.topology import to_message


async def inject(symbol: str, quote: str) -> None:
    """Publish a raw listing of *symbol*; raise SettingsError where no listing can be called that."""
    event = sighting(symbol, quote)
    async with operate.pipeline() as runtime:
        await runtime.bus.publish(to_message(event))
    Console().print(f"injected {event.symbol}, see `sniper status` for what became of it", highlight=False)


def sighting(symbol: str, quote: str) -> RawListing:
    """Return a raw listing as a source would see it now."""
    if not re.fullmatch(r"[A-Za-z0-9]{2,10}", quote):
        raise SettingsError("--quote: must be an asset like USDT")
    now = utc_now()
    try:
        return RawListing(
            id=uuid.uuid4().hex,
            symbol=symbol,
            base_asset=symbol.removesuffix(quote).removesuffix("_") or symbol,
            quote_asset=quote,
            source=Source.TEST_INJECTION,
            listed_at=now,
            observed_at=now,
            published_at=now,
        )
    except ValidationError as error:
        raise SettingsError(explain(error)) from None
