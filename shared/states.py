"""The states of orders and positions, and the sets of them that the executor, the API and SQL go by. Pure."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class OrderState(StrEnum):
    """State of an order in the journal."""

    ARMED = "armed"
    """Waits for the opening; nothing is reserved for it yet."""
    SENDING = "sending"
    """Committed, with its money reserved: from now on it may be at the exchange."""
    ACKNOWLEDGED = "acknowledged"
    """The exchange has taken it; its fill is not read yet."""
    UNKNOWN = "unknown"
    """It may have arrived or not. It is looked up, and never sent again."""
    FILLED = "filled"
    """All of it was executed."""
    PARTIALLY_FILLED = "partially_filled"
    """Some of it was filled, and the rest is cancelled."""
    REJECTED = "rejected"
    """The exchange would not take it, or a rule of ours forbade it."""
    EXPIRED = "expired"
    """Its time passed, or the exchange cancelled it, with nothing filled."""
    FAILED = "failed"
    """Unsent, given up as absent, or written off; it may appear after all."""


class PositionState(StrEnum):
    OPEN = "open"
    CLOSING = "closing"
    """A sale is under way."""
    CLOSED = "closed"
    DUST = "dust"
    """Less than the exchange takes at a fair price; valued now and then, and open again once it is more."""
    EXTERNAL = "external"
    """The account does not hold the coins: they were sold or moved outside."""
    UNSELLABLE = "unsellable"
    """The exchange does not know the symbol any more."""
    WRITTEN_OFF = "written_off"
    """A person gave it up as lost."""


FINAL: Final = frozenset(
    {OrderState.FILLED, OrderState.PARTIALLY_FILLED, OrderState.REJECTED, OrderState.EXPIRED, OrderState.FAILED}
)
"""Orders in these states have ended, but one that was given up may appear after all."""
AT_LARGE: Final = (OrderState.SENDING, OrderState.ACKNOWLEDGED, OrderState.UNKNOWN)
"""Orders in these states may be at the exchange: their money is reserved, and they are looked up until settled."""
UNSETTLED: Final = (OrderState.ARMED, *AT_LARGE)
"""All that are not final."""
HELD: Final = (
    PositionState.OPEN,
    PositionState.CLOSING,
    PositionState.DUST,
    PositionState.EXTERNAL,
    PositionState.UNSELLABLE,
)
"""The cost of these counts as exposure."""
ENDED: Final = frozenset({PositionState.CLOSED, PositionState.WRITTEN_OFF})


def in_sql(states: Iterable[StrEnum]) -> str:
    """Return *states* as the right side of an IN."""
    quoted = ", ".join(f"'{state}'" for state in states)
    return f"({quoted})"
