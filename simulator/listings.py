"""Listing a new symbol and changing a listed one: what may be asked, and the instrument it makes."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from simulator.book import LEVELS
from simulator.instrument import Instrument
from simulator.settings import SimulatorSettings
from simulator.universe import newcomer

_YEAR_SECONDS = 366 * 86_400
Seconds = Annotated[float, Field(ge=0, le=_YEAR_SECONDS, allow_inf_nan=False)]
Swing = Annotated[float, Field(ge=0, le=0.5, allow_inf_nan=False)]
Amount = Annotated[Decimal, Field(gt=0, le=Decimal(10) ** 12, allow_inf_nan=False)]


class _Book(BaseModel):
    """A book as scripted, which takers eat for good; null lets the market make it again."""

    asks: Annotated[list[tuple[Amount, Amount]], Field(max_length=LEVELS)] | None = None
    bids: Annotated[list[tuple[Amount, Amount]], Field(max_length=LEVELS)] | None = None

    @property
    def scripts_book(self) -> bool:
        return not self.model_fields_set.isdisjoint({"asks", "bids"})


class ListingRequest(_Book):
    """What is not given follows the settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: Annotated[str, Field(pattern=r"^[^\Wa-z]{1,26}(USDT|USDC|USDE)$")]
    opens_in: Seconds = Field(0, description="seconds until it trades; firstOpenTime says so")
    opens_late_by: Seconds = Field(0, description="seconds after firstOpenTime it opens in truth")
    listed_in: Seconds = Field(0, description="seconds until exchangeInfo shows it; the calendar does at once")
    price: Amount | None = None
    swing: Swing | None = Field(None, description="how far the price moves from it by itself, as a ratio")
    depth_quote: Amount | None = None
    api: bool = True
    guard_seconds: Seconds | None = None
    guard_cap: Amount | None = None
    preopen_code: int | None = None


class SymbolChange(_Book):
    """What is not given stays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    status: Literal["trading", "suspended"] | None = None
    opens_in: Seconds | None = None
    price: Amount | None = None
    swing: Swing | None = None
    depth_quote: Amount | None = None
    api: bool | None = None


def listed(request: ListingRequest, settings: SimulatorSettings, now_ms: int) -> Instrument:
    listed_ms = now_ms + _ms(request.listed_in)
    opens_ms = max(listed_ms, now_ms + _ms(request.opens_in))
    drawn = newcomer(request.symbol, listed_ms, opens_ms, request.price)
    guard_seconds = settings.guard_seconds if request.guard_seconds is None else request.guard_seconds
    instrument = replace(
        drawn,
        opens_at_ms=opens_ms + _ms(request.opens_late_by),
        depth_quote=request.depth_quote or settings.depth_quote,
        api_allowed=request.api,
        guard_ms=_ms(guard_seconds),
        guard_cap=request.guard_cap or drawn.price * settings.guard_cap_factor,
        preopen_code=settings.preopen_code if request.preopen_code is None else request.preopen_code,
        preopen_api_allowed=settings.preopen_api_allowed,
        swing=drawn.swing if request.swing is None else request.swing,
    )
    return _with_book(instrument, request)


def changed(instrument: Instrument, change: SymbolChange, now_ms: int) -> Instrument:
    if change.status is not None:
        instrument = replace(instrument, suspended=change.status == "suspended")
    if change.opens_in is not None:
        opens_ms = now_ms + _ms(change.opens_in)
        instrument = replace(instrument, first_open_time_ms=opens_ms, opens_at_ms=opens_ms)
    if change.price is not None:
        instrument = replace(instrument, price=change.price.quantize(instrument.tick) or instrument.tick)
    if change.swing is not None:
        instrument = replace(instrument, swing=change.swing)
    if change.depth_quote is not None:
        instrument = replace(instrument, depth_quote=change.depth_quote)
    if change.api is not None:
        instrument = replace(instrument, api_allowed=change.api)
    return _with_book(instrument, change)


def _with_book(instrument: Instrument, book: _Book) -> Instrument:
    if "asks" in book.model_fields_set:
        instrument = replace(instrument, asks=None if book.asks is None else tuple(sorted(book.asks)))
    if "bids" in book.model_fields_set:
        instrument = replace(instrument, bids=None if book.bids is None else tuple(sorted(book.bids, reverse=True)))
    return instrument


def _ms(seconds: float) -> int:
    return round(seconds * 1_000)
