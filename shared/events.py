"""The public contract: what travels on the broker. `shared.wire.cloudevents` turns it into bytes and back.

Every event is a frozen model. Unknown fields are ignored on read, so a newer producer can roll out before its
consumers.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar, Final, NewType

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from shared.errors import PermanentError
from shared.symbol_format import JSON_SCHEMA, is_symbol

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
    if not is_symbol(value):
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


def _written(pattern: str, description: str) -> WithJsonSchema:
    """Say to readers of the JSON Schema how a number is written: as text, so that none is rounded."""
    schema = {"type": "string", "pattern": pattern, "description": description}
    return WithJsonSchema(schema, mode="serialization")


_UNSIGNED: Final = r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_UTC_SCHEMA: Final = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{6})?Z$",
}

Symbol = Annotated[str, AfterValidator(_symbol), WithJsonSchema(dict(JSON_SCHEMA))]
KnownSource = Annotated[Source, BeforeValidator(_source)]
Utc = Annotated[AwareDatetime, AfterValidator(_utc), WithJsonSchema(_UTC_SCHEMA, mode="serialization")]
Money = Annotated[
    Decimal,
    Field(max_digits=14, allow_inf_nan=False),
    _written(rf"^-?{_UNSIGNED}", "A decimal number as text, of at most 14 digits."),
]
_Digits = Annotated[Decimal, Field(max_digits=40, allow_inf_nan=False)]
Amount = Annotated[
    _Digits, _written(rf"^-?{_UNSIGNED}", "A decimal number as text, possibly with an exponent: `0.5`, `1E-12`.")
]
"""Of a coin, or a price: some coins cost 1E-12."""
Quantity = Annotated[
    _Digits, Field(ge=0), _written(rf"^{_UNSIGNED}", "A decimal number as text, 0 or more, possibly with an exponent.")
]
Price = Annotated[
    _Digits, Field(gt=0), _written(rf"^{_UNSIGNED}", "A decimal number as text, above 0, possibly with an exponent.")
]


def refuse_future(listed_at: datetime, *, now: datetime) -> None:
    """Raise PermanentError where a listing claims to have happened after *now*."""
    if listed_at > now + CLOCK_TOLERANCE:
        raise PermanentError("listed_at cannot be in the future")


def never_after(now: datetime, listed_at: datetime, source: Source) -> datetime:
    """Return *listed_at*, or *now* where that is earlier: what our own ingest saw has happened, whatever clocks say.

    What people inject is refused with PermanentError where it is in the future.
    """
    if source is Source.TEST_INJECTION:
        refuse_future(listed_at, now=now)
    return min(listed_at, now)


class Event(BaseModel):
    """What all events share: an id unique per producer, a subject and a time."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_type: ClassVar[str]
    producer: ClassVar[str]
    schema_version: ClassVar[int] = 1
    """It changes only when old readers could not cope; a field that may be absent is no such change."""

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


class AppliedConfig(BaseModel):
    """The trade_config that a decision was made under."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    max_trade_usdt: Money
    max_position_usdt: Money
    auto_trade: bool
    updated_at: Utc
    auto_trade_until: Utc | None = None
    """From then on auto_trade counts as off."""
    entry_slippage_pct: Annotated[Decimal, Field(max_digits=14, allow_inf_nan=False)] | None = None
    """How far above the reference price a capped purchase might pay; absent where a version did not say."""


class Stages(BaseModel):
    """When a listing passed each stage on its way to a trade; a stage not reached is absent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    observed_at: Utc
    published_at: Utc
    deduplicated_at: Utc
    decided_at: Utc
    answered_at: Utc | None = None
    due_at: Utc | None = None
    """The announced opening that a purchase waited for; what it waited is no latency."""


class Trade(Event):
    """What became of one decision to buy or sell. Money in USDT unless the name says otherwise."""

    event_type: ClassVar[str] = "sniper.trade"
    producer: ClassVar[str] = "/executor"

    symbol: Symbol
    side: Side
    quote_qty: Money
    """Of a purchase: spent, fee included, or reserved where nothing was. Of a sale: received, net of the fee."""
    reserved_qty: Money | None = None
    """Of a purchase: reserved for it, which is what it might have cost at its cap."""
    base_qty: Quantity | None = None
    average_price: Amount | None = None
    fee: Amount | None = None
    fee_asset: str | None = None
    """The exchange may take its fee in either asset of the pair, or in a third."""
    fees: dict[str, Amount] | None = None
    """All fees by asset, where it took them in several; `fee` is the one that counts most."""
    exit_reason: str | None = None
    """Of a sale: why the position is closed."""
    latency_ms: int = Field(ge=0)
    """From the decision to the exchange's answer; 0 where no answer was timed."""
    ack_latency_ms: int | None = Field(default=None, ge=0)
    """The same for statistics: None where no answer was timed, for example of an order that was found by a look-up."""
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
    facts: dict[str, JsonValue] = Field(default_factory=dict)
    """Beside the status, by name: gates, limits, feeds, the exchange's clock; whatever the component can tell."""

    @property
    def subject(self) -> str:
        return self.component

    @property
    def time(self) -> datetime:
        return self.sent_at


def utc_now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)
