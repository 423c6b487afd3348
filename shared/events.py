"""The public contract: what travels on the broker. `shared.cloudevents` turns it into bytes and back.

Every event is a frozen model. Unknown fields are ignored on read, so a newer producer can roll out before its
consumers.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Final, NewType

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from shared.errors import PermanentError

CLOCK_TOLERANCE: Final = timedelta(seconds=2)
"""How far another machine's clock may run ahead of ours before its times count as the future."""

ListingKey = NewType("ListingKey", str)
"""The same for every sighting of one listing: ``ABCUSDT:1``, or ``test:ABCUSDT:1`` for an injected one."""


class Source(StrEnum):
    """Who saw a listing."""

    MEXC_WEBSOCKET = "mexc_websocket"
    MEXC_REST_API = "mexc_rest_api"
    TEST_INJECTION = "test_injection"


class Mode(StrEnum):
    """Whether money is at stake."""

    DRY_RUN = "dry-run"
    LIVE = "live"


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"


class TradeStatus(StrEnum):
    FILLED = "filled"
    REJECTED = "rejected"
    FAILED = "failed"
    PENDING = "pending"


class HealthStatus(StrEnum):
    RUNNING = "running"
    STOPPED = "stopped"
    DEGRADED = "degraded"
    ERROR = "error"


def _symbol(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_]{3,20}", value):
        raise PydanticCustomError("contract_symbol", "Invalid symbol format")
    return value


def _source(value: object) -> Source:
    try:
        return Source(str(value))
    except ValueError:
        message = "source must be: mexc_websocket, mexc_rest_api, or test_injection"
        raise PydanticCustomError("contract_source", message) from None


def _utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise PydanticCustomError("time", "is too far from now") from None


Symbol = Annotated[str, AfterValidator(_symbol)]
KnownSource = Annotated[Source, BeforeValidator(_source)]
Utc = Annotated[AwareDatetime, AfterValidator(_utc)]
Money = Annotated[Decimal, Field(max_digits=14, allow_inf_nan=False)]
Amount = Annotated[Decimal, Field(max_digits=40, allow_inf_nan=False)]
"""Of a coin, or a price: some coins cost 1E-12."""
Price = Annotated[Amount, Field(gt=0)]


def refuse_future(listed_at: datetime, *, now: datetime) -> None:
    """Raise PermanentError where a listing claims to have happened after *now*."""
    if listed_at > now + CLOCK_TOLERANCE:
        raise PermanentError("listed_at cannot be in the future")


class Event(BaseModel):
    """What all events share: an id unique per producer, a subject and a time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    producer: ClassVar[str]

    id: str = Field(min_length=1)

    @property
    def subject(self) -> str:
        """What the event is about: the symbol, or the component."""
        raise NotImplementedError

    @property
    def time(self) -> datetime:
        """When it happened, as aware UTC."""
        raise NotImplementedError


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


class AppliedConfig(BaseModel):
    """The trade_config that a decision was made under."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    max_trade_usdt: Money
    max_position_usdt: Money
    auto_trade: bool
    updated_at: Utc


class Stages(BaseModel):
    """When a listing passed each stage on its way to a trade; a stage not reached is absent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    observed_at: Utc
    published_at: Utc
    deduplicated_at: Utc
    decided_at: Utc
    answered_at: Utc | None = None


class Trade(Event):
    """What became of one decision to buy or sell. Money in USDT unless the name says otherwise."""

    event_type: ClassVar[str] = "sniper.trade"
    producer: ClassVar[str] = "/executor"

    symbol: Symbol
    side: Side
    quote_qty: Money
    """Of a purchase: spent, fee included, or reserved where nothing was. Of a sale: received, net of the fee."""
    base_qty: Annotated[Amount, Field(ge=0)] | None = None
    average_price: Amount | None = None
    fee: Amount | None = None
    fee_asset: str | None = None
    """The exchange may take its fee in either asset of the pair, or in a third."""
    exit_reason: str | None = None
    """Of a sale: why the position is closed."""
    latency_ms: int = Field(ge=0)
    """From the decision to the exchange's answer."""
    mode: Mode
    status: TradeStatus
    error_reason: str | None = None
    exchange_order_id: str | None = None
    created_at: Utc
    listing_key: ListingKey
    client_order_id: str
    listed_at: Utc
    config: AppliedConfig
    stages: Stages

    @property
    def subject(self) -> str:
        return self.symbol

    @property
    def time(self) -> datetime:
        return self.created_at


class Health(Event):
    """How one component is doing; sent every few seconds and on change."""

    event_type: ClassVar[str] = "sniper.health"
    producer: ClassVar[str] = "/health"

    component: str = Field(pattern=r"^[a-z][a-z0-9_-]{1,39}$")
    status: HealthStatus
    last_event_at: Utc | None = None
    sent_at: Utc
    detail: str = ""

    @property
    def subject(self) -> str:
        return self.component

    @property
    def time(self) -> datetime:
        return self.sent_at


def utc_now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)
