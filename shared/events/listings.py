"""Events of listings: sightings by sources, the listing they are merged into, and its rescheduling."""

from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from shared.events.event import Event
from shared.events.fields import Amount, Price, Symbol, Utc
from shared.events.kinds import KnownSource, ListingKey


class TradingRules(BaseModel):
    """What the exchange demands of an order on a symbol, and whether it takes one; None where it does not say."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    base_precision: int | None = Field(default=None, ge=0, le=30)
    """Decimals of a quantity."""
    quote_precision: int | None = Field(default=None, ge=0, le=30)
    """Decimals of a price."""
    base_quantity_min: Amount | None = None
    quote_amount_min: Amount | None = None
    """The least that price times quantity may be."""
    quote_amount_min_market: Amount | None = None
    quote_amount_max: Amount | None = None
    quote_amount_max_market: Amount | None = None
    api_allowed: bool | None = None
    """False on pairs that refuse every order sent by API; before an opening it may still be about to change."""
    trade_side_type: int | None = None
    """1 both sides, 2 buy only, 3 sell only, 4 closed."""
    base_quantity_max: Amount | None = None
    base_quantity_step: Amount | None = None
    """Quantities are multiples of it."""
    price_min: Amount | None = None
    price_max: Amount | None = None
    price_step: Amount | None = None
    """Prices are multiples of it."""
    price_up: Amount | None = None
    """The highest price of a purchase, as a factor of the last price."""
    price_down: Amount | None = None
    """The lowest price of a sale, as a factor of the last price."""
    taker_fee: Amount | None = None
    """What is charged for taking, as a ratio of what is bought or sold for."""


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
    """1 for the first listing of a symbol, one more for each confirmed relisting."""
    late: bool = False
    """Appeared while we were not looking; it may be long open."""
    tradable: bool = True
    """Whether it passed the filters; one that did not is told and stored all the same, but never bought."""
    not_tradable_reason: str = ""
    price: Price | None = None
    """What the coin cost in the frame that showed it, in the quote asset; None where that told no price."""
    rules: TradingRules | None = None
    """As far as they were known when it was seen."""

    @property
    def subject(self) -> str:
        return self.symbol


class RawListing(_Sighting):
    """One source saw a symbol listed. ``observed_at`` is when its frame or response arrived."""

    event_type: ClassVar[str] = "sniper.listing.raw"
    producer: ClassVar[str] = "/ingest"

    @property
    def time(self) -> datetime:
        return self.observed_at


class Listing(_Sighting):
    """One listing, exactly once: the earliest sighting of it."""

    event_type: ClassVar[str] = "sniper.listing.detected"
    producer: ClassVar[str] = "/dedup"

    key: ListingKey
    deduplicated_at: Utc

    @property
    def time(self) -> datetime:
        return self.deduplicated_at


class ListingRescheduled(Listing):
    """The opening time of a known listing moved; ``opens_at`` is the new one."""

    event_type: ClassVar[str] = "sniper.listing.rescheduled"
