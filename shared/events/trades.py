"""Event of a trade, with the configuration it was decided under and its stages."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field

from shared.events.event import Event
from shared.events.fields import Amount, Money, Quantity, Symbol, Utc
from shared.events.kinds import ListingKey, Mode, Side, TradeStatus


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
