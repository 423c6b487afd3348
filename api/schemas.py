"""What the API answers: Decimal as strings, times as ISO 8601 in UTC."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Generic, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, JsonValue, PlainSerializer, computed_field

from api.reading.words import limits_of, told
from shared.control.exit_policy import LadderStep
from shared.events import HealthStatus, Mode, Side, Source, TradeStatus

T = TypeVar("T")


def _plain(amount: Decimal) -> str:
    return f"{amount:f}"  # str() would write a small amount as 1E-8.


Amount = Annotated[Decimal, PlainSerializer(_plain, return_type=str)]


class Answer(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class ListingRow(Answer):
    """One row of listings."""

    id: int
    symbol: str
    base_asset: str | None
    quote_asset: str | None
    source: Source
    listed_at: AwareDatetime
    opens_at: AwareDatetime | None
    observed_at: AwareDatetime | None
    late: bool
    tradable: bool
    not_tradable_reason: str
    listing_key: str | None
    created_at: AwareDatetime


class AlsoSeen(Answer):
    """When another source saw a listing."""

    listing_key: str
    source: Source
    lag_ms: int
    """After the sighting that became the listing; negative where it was before, and told only after."""


class TradeRow(Answer):
    """One row of trades."""

    id: int
    symbol: str
    side: Side
    quote_qty: Amount
    base_qty: Amount | None
    latency_ms: int
    """0 where no answer was timed."""
    ack_latency_ms: int | None
    """From the decision to the exchange's answer; None where no answer was timed."""
    mode: Mode
    status: TradeStatus
    error_reason: str | None
    exchange_order_id: str | None
    created_at: AwareDatetime
    listing_key: str | None
    client_order_id: str | None
    listed_at: AwareDatetime | None
    config: dict[str, JsonValue] | None
    """The limits that applied."""
    stages: dict[str, JsonValue] | None
    """When the listing passed each stage on its way to this trade."""
    average_price: Amount | None
    fee: Amount | None
    fee_asset: str | None
    fees: dict[str, JsonValue] | None
    """All fees by asset; fee is the one that counts most."""
    exit_reason: str | None
    """Of a sale: why."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def words(self) -> str | None:
        """What `error_reason` means; null where there is none."""
        return told(self.error_reason)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def bound_by(self) -> list[str]:
        """The settings that bound it: their values stand in `config`, or are limits of the executor."""
        return limits_of(self.error_reason)


class OrderRow(Answer):
    """One row of orders: the executor's journal."""

    id: int
    listing_key: str
    mode: Mode
    side: Side
    sequence: int
    symbol: str
    client_order_id: str
    state: str
    quote_qty: Amount
    """Reserved for it in USDT, fee included."""
    base_qty: Amount | None
    """To be sold."""
    decided_at: AwareDatetime
    fire_at: AwareDatetime | None
    """The opening that an armed order waits for; None where none is known yet."""
    attempts: int
    misses: int
    """How often in a row it was looked for and not found."""
    exchange_order_id: str | None
    executed_qty: Amount | None
    cost: Amount | None
    fee: Amount | None
    fee_asset: str | None
    fees: dict[str, JsonValue] | None
    """All fees by asset; fee is the one that counts most."""
    exit_reason: str | None
    error_reason: str | None
    attention: str | None
    """Why a person has to look at it."""
    created_at: AwareDatetime
    updated_at: AwareDatetime


class PositionRow(Answer):
    """One row of positions: what was bought, and what of it is left."""

    id: int
    listing_key: str
    mode: Mode
    symbol: str
    base_asset: str
    quote_asset: str
    state: str
    note: str
    """Why it is in that state, where a person should know."""
    base_qty: Amount
    """Held now, net of fees."""
    cost_usdt: Amount
    """What that part cost."""
    average_price: Amount
    peak_price: Amount
    """The highest price since the purchase at which all of it could have been sold."""
    stop_reference: Amount | None
    """What its stop-loss is measured from; null until the first look."""
    received_usdt: Amount
    """From sales so far."""
    sales: int
    close_requested_at: AwareDatetime | None
    """When an operator asked for it to be sold."""
    exits: dict[str, JsonValue] | None
    """Its own exits, which stand in for the configured ones; null where none ever did."""
    paid: Amount | None
    """For all that was bought, fees in the quote asset included; null where that is not known."""
    result_usdt: Amount | None
    """Of one that was sold entirely or given up: what it brought less what was paid, fees included."""
    result_pct: Amount | None
    fees_unknown: bool | None
    """Whether a fee in another asset is not counted, because nobody knows what that asset cost then."""
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    updated_at: AwareDatetime


class ExposureRow(Answer):
    """What is at stake in one mode, and how fast it got there; a day is one in UTC."""

    mode: Mode
    reserved_usdt: Amount
    filled_usdt: Amount
    """What positions cost that are neither sold nor written off."""
    orders_today: int
    spent_today_usdt: Amount
    failures: int
    """In a row."""


class Page(Answer, Generic[T]):
    """Part of a list, newest first."""

    items: list[T]
    limit: int
    offset: int
    count: int
    """How many items this page holds; a total would cost a scan of the table."""
    has_more: bool
    next: str | None
    """The cursor of the next page; None at the end."""


class ComponentHealth(Answer):
    """One row of bot_health, judged now."""

    component_name: str
    status: HealthStatus
    last_event_at: AwareDatetime | None
    updated_at: AwareDatetime
    age_seconds: float
    detail: str
    facts: dict[str, JsonValue] = {}
    """Beside its status: gates, limits, feeds and the like."""


class HaltRow(Answer):
    """One reason why nothing is bought."""

    cause: str
    """``operator``, or what the executor found: signal, file, failures and so on."""
    mode: Mode | None
    """None: in both."""
    reason: str
    since: AwareDatetime | None
    exits: bool
    """Whether nothing is sold either."""


class TradeConfig(Answer):
    """The limits that trading keeps, when positions are sold, and whether an operator has halted it."""

    max_trade_usdt: Amount
    max_position_usdt: Amount
    auto_trade: bool
    auto_trade_until: AwareDatetime | None
    """From then on auto_trade counts as off."""
    take_profit_pct: Amount | None
    take_profit_ladder: list[LadderStep]
    stop_loss_pct: Amount | None
    trailing_stop_pct: Amount | None
    trailing_activation_pct: Amount | None
    holding_seconds_max: float | None
    entry_slippage_pct: Amount
    daily_loss_usdt_max: Amount | None
    halted: bool
    exits_halted: bool
    selling_all: bool
    """Whether everything that is held is being sold."""
    halted_reason: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    halts: list[HaltRow]
    """Everything in force, whoever halted, the longest first."""


class Problem(Answer):
    """Why a request was refused."""

    code: str
    """For programs; never changes."""
    message: str
    """For people."""
    details: dict[str, JsonValue] = {}
    """``fields`` of a 422: ``field`` and ``message`` of each."""


def age_seconds(since: datetime, *, now: datetime) -> float:
    """Return how long ago *since* was; never negative, whatever two clocks say."""
    return round(max(0.0, (now - since).total_seconds()), 1)
