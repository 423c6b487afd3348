"""Watched position: with the requests of an operator, and the outcome of its sales. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from executor.model.order import ExitReason
from executor.model.position import Position
from executor.model.reasons import Reason
from shared.control.exit_policy import NO_EXITS, ExitPolicy

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
    policy: ExitPolicy = NO_EXITS
    unreadable_exits: Sequence[str] = ()
    """Exits that this version cannot read; the others hold."""

    @property
    def name(self) -> str:
        return self.position.name
