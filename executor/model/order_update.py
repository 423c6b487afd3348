"""An update of an order: one event in its life, and everything that is known with it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from executor.model.fill import Fill
from executor.model.order_state import OrderEvent
from executor.model.reasons import Reason, Refusal


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """The sender, the reconciliation and operators make it; the journal takes it. None leaves what the journal holds.

    A record of an order that was attempted again since, or fired, or moved to another opening, is passed over.
    """

    event: OrderEvent
    why: Refusal | None = None
    fill: Fill | None = None
    exchange_order_id: str | None = None
    halts: bool = False
    """Every other order would fare the same, so trading halts."""
    answered_at: datetime | None = None
    found_at: datetime | None = None
    """When a look-up showed the order, for its latency where the answer to it was lost."""
    send_until: datetime | None = None
    """The sender promises to send nothing after this."""
    request: dict[str, str] | None = None
    """The request that was sent last, in the exchange's words."""
    attempts: int = 0
    given_up_at: datetime | None = None
    price_max: Decimal | None = None
    """The most that a further attempt pays for a coin."""
    fires_again: bool = False
    """Of an order that waits again: it tries again at once, not only when an opening is announced."""

    @property
    def words(self) -> str | None:
        """The text of *why*, as the journal and trades keep it."""
        return None if self.why is None else str(self.why)

    @property
    def reason(self) -> Reason | None:
        """The code of *why*, for metrics and rules."""
        return None if self.why is None else self.why.reason


def executed(fill: Fill | None, *, otherwise: Reason = Reason.NOT_FILLED) -> OrderUpdate:
    """Return the update of an order that got *fill*, and nothing more."""
    if fill is None:
        return OrderUpdate(OrderEvent.FOUND_UNFILLED, Refusal(otherwise))
    event = OrderEvent.FOUND_FILLED if fill.complete else OrderEvent.FOUND_PARTLY_FILLED
    return OrderUpdate(event, fill=fill)
