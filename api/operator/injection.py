"""Injection of test listings, which are handled like any other; shared by the API and `sniper inject`."""

import re
import uuid
from datetime import datetime
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from api.operator import actions
from api.schemas import RequestTime
from shared.bus.port import Bus
from shared.control.config_store import Author
from shared.errors import SniperError, TransientError
from shared.events import KnownSource, RawListing, Source, Symbol, refuse_future, utc_now
from shared.events.fields import is_symbol
from shared.mexc.symbols import normalise
from shared.postgres.database import Database
from shared.wire.topology import to_message

_ASSET: Final = re.compile(r"^[A-Za-z0-9]{2,10}$")
# Dedup claims an injected listing permanently, under a key of its own.
IS_RECORDED: Final = """
    SELECT EXISTS (SELECT FROM listings WHERE symbol = $1 AND listed_at = $2)
        OR EXISTS (SELECT FROM listing_claims WHERE listing_key = $3)
"""


def require_injectable(source: object) -> object:
    """Return *source* unless it is that of real sightings."""
    if isinstance(source, str) and source in {Source.MEXC_WEBSOCKET, Source.MEXC_REST_API}:
        raise PydanticCustomError("only_injected", "only test_injection can be injected: the others are what was seen")
    return source


def require_asset(name: str) -> str:
    """Return *name* if it can be an asset."""
    if not _ASSET.fullmatch(name):
        raise PydanticCustomError("asset", "must be an asset like USDT")
    return name


def normalised_symbol(symbol: str) -> str:
    """Return *symbol* in its stored spelling."""
    spelled = normalise(symbol)
    if not is_symbol(spelled):
        raise PydanticCustomError("contract_symbol", "Invalid symbol format")
    return spelled


Asset = Annotated[str, Field(json_schema_extra={"pattern": _ASSET.pattern}), AfterValidator(require_asset)]


class Injection(BaseModel):
    """A listing to inject."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", json_schema_extra={"examples": [{"symbol": "TESTUSDT", "quote_asset": "USDT"}]}
    )

    symbol: Annotated[Symbol, AfterValidator(normalised_symbol)]
    quote_asset: Asset = "USDT"
    source: Annotated[KnownSource, BeforeValidator(require_injectable)] = Source.TEST_INJECTION
    listed_at: RequestTime | None = None
    """Now, unless given; never in the future."""
    opens_at: RequestTime | None = None
    """Opening time, if it is later."""


class InjectedListing(NamedTuple):
    """A published listing."""

    event_id: str
    listing_key: str
    symbol: str


class AlreadyRecordedError(SniperError):
    """The listing is recorded, or one of the same symbol was injected before."""


class BrokerAwayError(TransientError):
    """The broker did not accept the event."""


async def inject(bus: Bus, database: Database, injection: Injection, author: Author) -> InjectedListing:
    """Record the request, and publish the listing as a raw event, as a source would.

    Raises AlreadyRecordedError, PermanentError for a future listing, and TransientError.
    """
    now = utc_now()
    event = sighting(injection, now)
    refuse_future(event.listed_at, now=now)
    key = f"test:{event.symbol}:1"
    async with database.transaction() as connection:
        if await connection.fetchval(IS_RECORDED, event.symbol, event.listed_at, key):
            raise AlreadyRecordedError("Listing already recorded")
        await actions.record(connection, "inject", author, subject=event.symbol, details={"event_id": event.id})
    try:
        await bus.publish(to_message(event))
    except TransientError as error:
        raise BrokerAwayError(str(error)) from error
    return InjectedListing(event.id, key, event.symbol)


def sighting(injection: Injection, now: datetime) -> RawListing:
    """Return the raw listing as a source would report it at *now*."""
    symbol, quote = injection.symbol, injection.quote_asset
    return RawListing(
        id=uuid.uuid4().hex,
        symbol=symbol,
        base_asset=symbol.removesuffix(quote) or symbol,
        quote_asset=quote,
        source=injection.source,
        listed_at=injection.listed_at or now,
        opens_at=injection.opens_at,
        observed_at=now,
        published_at=now,
    )
