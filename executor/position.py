"""What is held of one listing, and what a sale leaves of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_DOWN, Decimal, localcontext
from enum import StrEnum

from executor.fills import Fill
from executor.limits import CAREFUL, CENT
from shared.events import Listing, Mode


class PositionState(StrEnum):
    OPEN = "open"
    CLOSING = "closing"
    """A sale is under way."""
    CLOSED = "closed"
    DUST = "dust"
    """What is left is less than the exchange takes; it is given up."""


@dataclass(frozen=True, slots=True)
class Position:
    """One purchase and what was sold of it."""

    listing: Listing
    mode: Mode
    state: PositionState
    base_qty: Decimal
    """Held now, net of fees."""
    cost_usdt: Decimal
    """What the part that is held cost, fee included: its share of the exposure."""
    average_price: Decimal
    peak_price: Decimal
    """The highest price seen since the purchase."""
    received_usdt: Decimal
    sales: int
    opened_at: datetime

    @property
    def symbol(self) -> str:
        return self.listing.symbol


def after_sale(position: Position, fill: Fill | None) -> Position:
    """Return *position* once a sale of it has ended; what was sold frees its share of the cost, in whole cents."""
    if fill is None:
        return replace(position, state=PositionState.OPEN)
    received = position.received_usdt + fill.quote_received(position.listing.quote_asset)
    sold = fill.base_sold(position.listing.base_asset)
    if sold >= position.base_qty:
        return replace(
            position, state=PositionState.CLOSED, base_qty=Decimal(0), cost_usdt=Decimal(0), received_usdt=received
        )
    with localcontext(CAREFUL):
        freed = (position.cost_usdt * sold / position.base_qty).quantize(CENT, ROUND_DOWN)
        return replace(
            position,
            state=PositionState.OPEN,
            base_qty=position.base_qty - sold,
            cost_usdt=position.cost_usdt - freed,
            received_usdt=received,
        )


def given_up(position: Position) -> Position:
    """Return *position* as dust: nothing will be got for it any more, so nothing is at stake."""
    return replace(position, state=PositionState.DUST, cost_usdt=Decimal(0))
