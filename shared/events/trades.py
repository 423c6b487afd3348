"""Event of a trade, with the configuration it was decided under and its stages."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from shared.events.fields import Amount, Event, ListingKey, Mode, Money, Quantity, Side, Symbol, TradeStatus, Utc


class AppliedConfig(BaseModel):
    """trade_config of a decision."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    max_trade_usdt: Money
    max_position_usdt: Money
    auto_trade: bool
    updated_at: Utc
    auto_trade_until: Utc | None = None
    """Expiry of auto_trade."""
    entry_slippage_pct: Annotated[Decimal, Field(max_digits=14, allow_inf_nan=False)] | None = None
    """Slippage above the reference price that a capped purchase might pay; absent in older versions."""


class Stages(BaseModel):
    """Times of each stage from sighting to trade; a stage not reached is absent."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    observed_at: Utc
    published_at: Utc
    deduplicated_at: Utc
    decided_at: Utc
    answered_at: Utc | None = None
    due_at: Utc | None = None
    """Announced opening that a purchase waited for; the wait is no latency."""


class Trade(Event):
    """Result of one decision to buy or sell. Money in USDT unless the name says otherwise."""

    event_type: ClassVar[str] = "sniper.trade"
    producer: ClassVar[str] = "/executor"

    symbol: Symbol
    side: Side
    quote_qty: Money
    """Of a purchase: spent, fee included, or reserved where nothing was. Of a sale: received, net of the fee."""
    reserved_qty: Money | None = None
    """Of a purchase: reserved amount, its maximal cost at the price cap."""
    base_qty: Quantity | None = None
    average_price: Amount | None = None
    fee: Amount | None = None
    fee_asset: str | None = None
    """Either asset of the pair, or a third one."""
    fees: dict[str, Amount] | None = None
    """All fees by asset, where there are several; `fee` is the largest."""
    exit_reason: str | None = None
    """Of a sale: reason of the exit."""
    latency_ms: int = Field(ge=0)
    """From the decision to the exchange's answer: to the order, or where that was lost, to the look-up that showed it.
    0 where the exchange never showed the order."""
    ack_latency_ms: int | None = Field(default=None, ge=0)
    """The same for statistics: None where no answer was timed, for example for an order found by a look-up."""
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
