"""Order, as the journal keeps it. Pure."""

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from executor.model.order_state import OrderState
from executor.model.reasons import Reason
from shared.control.exit_policy import ENTRY_SLIPPAGE_PCT
from shared.events import AppliedConfig, Listing, ListingKey, Mode, Side

_OURS: Final = re.compile(r"sn[A-Z2-7]{26}")


def client_order_id(key: ListingKey, mode: Mode, side: Side, sequence: int = 1, *, attempt: int = 1) -> str:
    """Return 28 letters and digits; MEXC takes up to 32 of them, hyphens and underscores."""
    nth = "" if sequence == 1 else f"|{sequence}"
    again = "" if attempt == 1 else f"|attempt {attempt}"
    digest = hashlib.sha256(f"{key}|{mode}|{side}{nth}{again}".encode()).digest()
    return f"sn{base64.b32encode(digest[:20]).decode()[:26]}"


def is_ours(text: str) -> bool:
    """Return whether *text* has the form of the ids of this project."""
    return _OURS.fullmatch(text) is not None


class ExitReason(StrEnum):
    """Reason of a sale."""

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
    """One decision to buy or sell. Its client order id is its key, and at the exchange the id of its first attempt."""

    listing: Listing
    mode: Mode
    side: Side
    sequence: int
    """1 for the one purchase of a listing; sales count up."""
    client_order_id: str
    quote_qty: Decimal
    """The reservation of a purchase in dollars, fee included; zero without one."""
    config: AppliedConfig
    decided_at: datetime
    send_until: datetime
    """Send deadline: no request begins later, so that an order not visible afterwards was never placed."""
    fire_at: datetime | None = None
    """The opening it waits for."""
    base_qty: Decimal | None = None
    """To be sold."""
    exit_reason: ExitReason | None = None
    state: OrderState = OrderState.SENDING
    exchange_order_id: str | None = None
    answered_at: datetime | None = None
    price_min: Decimal | None = None
    """The least price of a sale; it follows from its reason."""
    attempt: int = 1
    """The number of a purchase's attempt that is under way, or was the last."""
    attempt_id: str | None = None
    """The id at the exchange of a further attempt."""
    price_max: Decimal | None = None
    """The highest price of further attempts of a purchase; None where none is allowed."""
    requested_qty: Decimal | None = None
    """The quantity in the request that was sent last; None where that named an amount of money, or is unknown."""
    attention: str = ""
    """The reason why it needs a person."""
    given_up_at: datetime | None = None
    """The time at which it was given up as absent, without a confirmation by the exchange."""
    looked_again: int = 0
    """The number of look-ups since."""

    @property
    def due_at(self) -> datetime:
        """The time to send it: once decided on, and not before the opening it waits for."""
        return self.decided_at if self.fire_at is None else max(self.decided_at, self.fire_at)

    @property
    def is_first_purchase(self) -> bool:
        """Return whether it is a purchase of which no attempt was taken."""
        return self.side is Side.BUY and self.attempt == 1

    @property
    def reason_if_late(self) -> Reason:
        """Reason of one that could not be sent in time."""
        if self.side is Side.SELL:
            return Reason.TOO_LATE
        if self.attempt > 1:
            return Reason.NOT_FILLED
        return Reason.OPENING_PASSED if self.fire_at else Reason.STALE_LISTING

    @property
    def slippage_pct(self) -> Decimal:
        """The slippage above the reference price that a purchase may pay, as configured at its decision."""
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
