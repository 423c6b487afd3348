"""An order, as the journal keeps it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from executor.states import OrderState
from shared.events import AppliedConfig, Listing, ListingKey, Mode, Side


class ExitReason(StrEnum):
    """Why a position is closed."""

    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    TRAILING_STOP = "trailing_stop"
    HOLDING_TIME = "holding_time"
    BY_HAND = "by_hand"
    REMAINDER = "remainder"
    """A part was sold for one of these, and the rest follows."""


@dataclass(frozen=True, slots=True)
class Order:
    """One decision to buy or sell. Its client order id is its name at the exchange, forever."""

    listing: Listing
    mode: Mode
    side: Side
    sequence: int
    """1 for the one purchase of a listing; sales count up."""
    client_order_id: str
    quote_qty: Decimal
    """Reserved for a purchase in dollars, fee included; zero where nothing is."""
    config: AppliedConfig
    decided_at: datetime
    send_until: datetime
    """No request of it may begin after this, whoever sends it: what makes its absence provable."""
    fire_at: datetime | None = None
    """The opening it waits for."""
    base_qty: Decimal | None = None
    """To be sold."""
    exit_reason: ExitReason | None = None
    state: OrderState = OrderState.SENDING
    exchange_order_id: str | None = None
    answered_at: datetime | None = None

    @property
    def symbol(self) -> str:
        return self.listing.symbol

    @property
    def listing_key(self) -> ListingKey:
        return self.listing.key
