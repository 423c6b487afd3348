"""Events of listings: sightings by sources, the listing they are merged into, and its rescheduling."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from shared.events.fields import Amount, Event, KnownSource, ListingKey, Price, Symbol, Utc


class TradingRules(BaseModel):
    """Rules of the exchange for orders on a symbol; None where it does not state one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    base_precision: int | None = Field(default=None, ge=0, le=30)
    """Decimals of a quantity."""
    quote_precision: int | None = Field(default=None, ge=0, le=30)
    """Decimals of a price."""
    base_quantity_min: Amount | None = None
    quote_amount_min: Amount | None = None
    """Least product of price and quantity."""
    quote_amount_min_market: Amount | None = None
    quote_amount_max: Amount | None = None
    quote_amount_max_market: Amount | None = None
    api_allowed: bool | None = None
    """False on pairs that refuse every order sent by API; before an opening this may still change."""
    trade_side_type: int | None = None
    """1 both sides, 2 buy only, 3 sell only, 4 closed."""
    base_quantity_max: Amount | None = None
    base_quantity_step: Amount | None = None
    """Step of quantities."""
    price_min: Amount | None = None
    price_max: Amount | None = None
    price_step: Amount | None = None
    """Step of prices."""
    price_up: Amount | None = None
    """Highest price of a purchase, as a factor of the last price."""
    price_down: Amount | None = None
    """Lowest price of a sale, as a factor of the last price."""
    taker_fee: Amount | None = None
    """Taker fee as a ratio of the quote amount."""


class _Sighting(Event):
    symbol: Symbol
    base_asset: str = Field(max_length=40)
    quote_asset: str = Field(max_length=40)
    source: KnownSource
    listed_at: Utc
    opens_at: Utc | None = None
    observed_at: Utc
    published_at: Utc
    occurrence: int = Field(default=1, ge=1)
    """1 for the first listing of a symbol, incremented for each confirmed relisting."""
    late: bool = False
    """Appeared during a gap in coverage; it may have been open for long."""
    tradable: bool = True
    """Whether it passed the filters; one that did not is published and stored, but never bought."""
    not_tradable_reason: str = ""
    price: Price | None = None
    """Price in the frame that showed it, in the quote asset; None where it had none."""
    rules: TradingRules | None = None
    """As far as known at the time of the sighting."""

    @property
    def subject(self) -> str:
        return self.symbol


class RawListing(_Sighting):
    """Sighting of a listed symbol by one source. ``observed_at`` is when its frame or response arrived."""

    event_type: ClassVar[str] = "sniper.listing.raw"
    producer: ClassVar[str] = "/ingest"

    @property
    def time(self) -> datetime:
        return self.observed_at


class Listing(_Sighting):
    """Listing, under one id however often it is delivered, with the sighting that claimed it."""

    event_type: ClassVar[str] = "sniper.listing.detected"
    producer: ClassVar[str] = "/dedup"

    key: ListingKey
    deduplicated_at: Utc

    @property
    def time(self) -> datetime:
        return self.deduplicated_at


class ListingRescheduled(Listing):
    """Moved opening time of a known listing; ``opens_at`` is the new one."""

    event_type: ClassVar[str] = "sniper.listing.rescheduled"
