"""Position of one listing, and its changes by sales. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Final

from executor.model.fill import Fill
from executor.model.money import CAREFUL, CENT
from executor.model.order import ExitReason
from executor.model.reasons import Reason
from shared.control.exit_policy import NO_EXITS, ExitPolicy
from shared.events import Listing, Mode
from shared.states import ENDED, HELD, PositionState

__all__ = ["ENDED", "HELD", "Position", "PositionState", "after_sale", "is_named_apart", "realised", "written_off"]


@dataclass(frozen=True, slots=True)
class Position:
    """One purchase and its sales."""

    listing: Listing
    mode: Mode
    state: PositionState
    base_qty: Decimal
    """Held now, net of fees."""
    cost_usdt: Decimal
    """The cost of the part that is held, fee included: its share of the exposure."""
    average_price: Decimal
    peak_price: Decimal
    """The highest price since the purchase at which all of it could have been sold."""
    received_usdt: Decimal
    sales: int
    opened_at: datetime
    """The time of its fill."""
    stop_reference: Decimal | None = None
    """The price from which a stop is measured: the price paid, less the first spread; None until the first look."""
    note: str = ""
    """The cause of a state that needs attention."""
    bought_qty: Decimal | None = None
    """The quantity bought, net of fees; None where it is unknown."""
    proceeds: Decimal = Decimal(0)
    """From all sales, to the last digit; received_usdt is the same in whole cents."""

    @property
    def symbol(self) -> str:
        return self.listing.symbol

    @property
    def name(self) -> str:
        """The name in logs and health."""
        return f"{self.listing.key} {self.mode}"


def is_named_apart(listing: Listing) -> bool:
    """Return whether the coin of *listing* is not named as in its symbol: the account may have it under either name."""
    return not listing.symbol.startswith(listing.base_asset)


def after_sale(position: Position, fill: Fill | None) -> Position:
    """Return *position* after a sale of it; the quantity sold frees its share of the cost, in whole cents.

    A position that ended before, through another sale while this one was in doubt, stays so; the proceeds count.
    """
    has_ended = position.state in ENDED
    if fill is None:
        return position if has_ended else replace(position, state=PositionState.OPEN)
    quote_asset = position.listing.quote_asset
    with localcontext(CAREFUL):
        proceeds = position.proceeds + fill.proceeds_less_fee(quote_asset)
    position = replace(
        position, received_usdt=position.received_usdt + fill.quote_received(quote_asset), proceeds=proceeds
    )
    if has_ended:
        return position
    return _less(position, fill.base_sold(position.listing.base_asset))


def _less(position: Position, sold: Decimal) -> Position:
    """Return *position* without the quantity *sold* and its share of the cost."""
    if sold >= position.base_qty:
        return replace(position, state=PositionState.CLOSED, base_qty=Decimal(0), cost_usdt=Decimal(0))
    with localcontext(CAREFUL):
        freed = (position.cost_usdt * sold / position.base_qty).quantize(CENT, ROUND_DOWN)
        return replace(
            position,
            state=PositionState.OPEN,
            base_qty=position.base_qty - sold,
            cost_usdt=position.cost_usdt - freed,
        )


def written_off(position: Position) -> Position:
    """Return *position* written off by a person: its cost is no exposure any more."""
    return replace(position, state=PositionState.WRITTEN_OFF, cost_usdt=Decimal(0))


def realised(before: Position, after: Position) -> Decimal:
    """Return the result of a sale or a write-off that led from *before* to *after*, in whole cents."""
    return after.received_usdt - before.received_usdt - (before.cost_usdt - after.cost_usdt)


CLOSED: Final = frozenset({Reason.NOT_OPEN, Reason.SYMBOL_UNKNOWN})
"""Reasons under which no account can sell."""
NO_TRADING: Final = CLOSED | {
    Reason.RISK_CONTROL,
    Reason.NOT_TRADABLE_BY_API,
    Reason.TYPE_REFUSED,
    Reason.PAIR_REFUSED,
}
"""Reasons under which we cannot sell now, at any price."""


@dataclass(frozen=True, slots=True)
class Sale:
    """A sale of a position."""

    sequence: int
    state: str
    reason: str = ""

    @property
    def code(self) -> str:
        """The first word of its reason."""
        return self.reason.partition(":")[0]

    @property
    def found_no_trading(self) -> bool:
        """Return whether the exchange refused it because the symbol does not trade, or not for this account."""
        return self.code in NO_TRADING


@dataclass(frozen=True, slots=True)
class WatchedPosition:
    """One position, the requests of a person, and the outcome of its sales."""

    position: Position
    close_requested: bool
    write_off: str | None = None
    """The reason why a person wrote it off."""
    last_sale: Sale | None = None
    sale_at_large: Sale | None = None
    """The last sale that may still sell something."""
    floor: Decimal | None = None
    """The least price of the take-profit that sold a part."""
    begun_by: ExitReason | None = None
    """The reason of the last sale that sold a part."""
    given_up: Decimal = Decimal(0)
    """The quantity of its coin in written-off positions that may still be there; zero unless a sale is under way."""
    policy: ExitPolicy = NO_EXITS
    unreadable_exits: Sequence[str] = ()
    """Exits that this version cannot read; the others hold."""

    @property
    def name(self) -> str:
        return self.position.name
