"""An order, as the journal keeps it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from executor.model.order_state import OrderState
from shared.control.exit_policy import ENTRY_SLIPPAGE_PCT
from shared.events import AppliedConfig, Listing, ListingKey, Mode, Side


class ExitReason(StrEnum):
    """Why a position is closed."""

    TAKE_PROFIT = "take_profit"
    STOP_LOSS = "stop_loss"
    TRAILING_STOP = "trailing_stop"
    HOLDING_TIME = "holding_time"
    BY_HAND = "by_hand"
    TAKE_PROFIT_STEP = "take_profit_step"
    """A step of the ladder: a part is sold, and the rest is kept."""
    REMAINDER = "remainder"
    """A part was sold for one of these, and the rest follows."""


@dataclass(frozen=True, slots=True)
class Order:
    """One decision to buy or sell. Its client order id is its name, and at the exchange that of its first attempt."""

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
    price_min: Decimal | None = None
    """What a sale must bring for a coin at least; it follows from its reason."""
    attempt: int = 1
    """Of a purchase: which one is under way, or was the last."""
    attempt_id: str | None = None
    """The id at the exchange of a further attempt."""
    price_max: Decimal | None = None
    """What no further attempt of a purchase pays more than for a coin; None where there may be none."""
    requested_qty: Decimal | None = None
    """Of the coin, in the request that was sent last; None where that named an amount of money, or is not known."""
    attention: str = ""
    """Why a person has to look at it."""
    given_up_at: datetime | None = None
    """When it was taken for absent, without the exchange itself having said so."""
    looked_again: int = 0
    """How often it was looked for since."""

    @property
    def due_at(self) -> datetime:
        """When it was to be sent: once decided on, and not before the opening it waits for."""
        return self.decided_at if self.fire_at is None else max(self.decided_at, self.fire_at)

    @property
    def slippage_pct(self) -> Decimal:
        """How far above the reference price a purchase may pay, as configured when it was decided on."""
        configured = self.config.entry_slippage_pct
        return ENTRY_SLIPPAGE_PCT if configured is None else configured

    @property
    def sent_as(self) -> str:
        """The client id under which the exchange knows the attempt that is under way."""
        return self.attempt_id or self.client_order_id

    @property
    def symbol(self) -> str:
        return self.listing.symbol

    @property
    def listing_key(self) -> ListingKey:
        return self.listing.key
