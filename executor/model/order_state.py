"""State machine of an order: updates by event, the next state, and the effect on the exposure, as one table. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from executor.model.fill import Fill
from executor.model.reasons import Reason, Refusal
from shared.states import AT_LARGE, FINAL, OrderState

__all__ = ["AT_LARGE", "FINAL", "TABLE", "Effect", "OrderEvent", "OrderState", "Transition"]


class OrderEvent(StrEnum):
    """Event in the life of an order."""

    FIRED = "fired"
    """Its time came, and the limits allow it."""
    ACCEPTED = "accepted"
    """The exchange took it, and named its own order id."""
    DENIED = "denied"
    """A rule of ours forbade it before a byte was written."""
    REJECTED = "rejected"
    """The exchange would not take it."""
    LAPSED = "lapsed"
    """The time in which it could be sent is over, and no attempt was taken."""
    POSTPONED = "postponed"
    """The symbol did not open while we retried; it waits until an opening is announced, or until the next start."""
    UNSENT = "unsent"
    """No attempt could be written."""
    UNANSWERED = "unanswered"
    """A request was written and not answered, or its sender is gone."""
    RETRIED = "retried"
    """It is proven to have ended with nothing filled, and another attempt follows, under another id."""
    FOUND_FILLED = "found_filled"
    """All of it was executed, read from the exchange or from the book of a dry run."""
    FOUND_PARTLY_FILLED = "found_partly_filled"
    """It ended with some of it executed."""
    FOUND_UNFILLED = "found_unfilled"
    """It ended at the exchange with nothing filled."""
    FOUND_ABSENT = "found_absent"
    """Repeated look-ups did not find it, for longer than it could have taken to arrive."""
    WRITTEN_OFF = "written_off"
    """An operator decided that it never took place."""
    APPEARED_FILLED = "appeared_filled"
    """It was given up, and was found after all, with all of it executed."""
    APPEARED_PARTLY_FILLED = "appeared_partly_filled"
    """It was given up, and was found after all, with some of it executed."""


class Effect(StrEnum):
    """Effect of a transition on the exposure."""

    RESERVE = "reserve"
    HOLD = "hold"
    """The reservation stays."""
    RELEASE = "release"
    SETTLE = "settle"
    """The amount spent replaces the reservation."""
    ADD = "add"
    """The amount spent counts, although its reservation was released."""
    NOTHING = "nothing"
    """Nothing is reserved yet, and nothing will be."""


class Transition(NamedTuple):
    state: OrderState
    effect: Effect


_S, _E = OrderState, OrderEvent
TABLE: Final[Mapping[tuple[OrderState, OrderEvent], Transition]] = MappingProxyType(
    {
        (_S.ARMED, _E.FIRED): Transition(_S.SENDING, Effect.RESERVE),
        (_S.ARMED, _E.DENIED): Transition(_S.REJECTED, Effect.NOTHING),
        (_S.ARMED, _E.LAPSED): Transition(_S.EXPIRED, Effect.NOTHING),
        # It left, and the database lost that, with its reservation.
        (_S.ARMED, _E.UNANSWERED): Transition(_S.UNKNOWN, Effect.NOTHING),
        (_S.SENDING, _E.ACCEPTED): Transition(_S.ACKNOWLEDGED, Effect.HOLD),
        (_S.SENDING, _E.DENIED): Transition(_S.REJECTED, Effect.RELEASE),
        (_S.SENDING, _E.REJECTED): Transition(_S.REJECTED, Effect.RELEASE),
        (_S.SENDING, _E.LAPSED): Transition(_S.EXPIRED, Effect.RELEASE),
        (_S.SENDING, _E.POSTPONED): Transition(_S.ARMED, Effect.RELEASE),
        (_S.SENDING, _E.UNSENT): Transition(_S.FAILED, Effect.RELEASE),
        (_S.SENDING, _E.UNANSWERED): Transition(_S.UNKNOWN, Effect.HOLD),
        # The next attempt is committed before it is sent, once it is proven that the one before got nothing; its
        # reservation stays. A dry run knows that while it is sending.
        (_S.SENDING, _E.RETRIED): Transition(_S.SENDING, Effect.HOLD),
        (_S.ACKNOWLEDGED, _E.RETRIED): Transition(_S.SENDING, Effect.HOLD),
        # A dry run knows its fill at once; and a look-up may find an order before its sender has recorded it.
        (_S.SENDING, _E.FOUND_FILLED): Transition(_S.FILLED, Effect.SETTLE),
        (_S.SENDING, _E.FOUND_PARTLY_FILLED): Transition(_S.PARTIALLY_FILLED, Effect.SETTLE),
        (_S.SENDING, _E.FOUND_UNFILLED): Transition(_S.EXPIRED, Effect.RELEASE),
        (_S.ACKNOWLEDGED, _E.FOUND_FILLED): Transition(_S.FILLED, Effect.SETTLE),
        (_S.ACKNOWLEDGED, _E.FOUND_PARTLY_FILLED): Transition(_S.PARTIALLY_FILLED, Effect.SETTLE),
        (_S.ACKNOWLEDGED, _E.FOUND_UNFILLED): Transition(_S.EXPIRED, Effect.RELEASE),
        (_S.ACKNOWLEDGED, _E.WRITTEN_OFF): Transition(_S.FAILED, Effect.RELEASE),
        # A sender that was taken for dead may still record an outcome that it knows for certain.
        (_S.UNKNOWN, _E.ACCEPTED): Transition(_S.ACKNOWLEDGED, Effect.HOLD),
        (_S.UNKNOWN, _E.DENIED): Transition(_S.REJECTED, Effect.RELEASE),
        (_S.UNKNOWN, _E.REJECTED): Transition(_S.REJECTED, Effect.RELEASE),
        (_S.UNKNOWN, _E.LAPSED): Transition(_S.EXPIRED, Effect.RELEASE),
        (_S.UNKNOWN, _E.UNSENT): Transition(_S.FAILED, Effect.RELEASE),
        (_S.UNKNOWN, _E.FOUND_FILLED): Transition(_S.FILLED, Effect.SETTLE),
        (_S.UNKNOWN, _E.FOUND_PARTLY_FILLED): Transition(_S.PARTIALLY_FILLED, Effect.SETTLE),
        (_S.UNKNOWN, _E.FOUND_UNFILLED): Transition(_S.EXPIRED, Effect.RELEASE),
        (_S.UNKNOWN, _E.FOUND_ABSENT): Transition(_S.FAILED, Effect.RELEASE),
        (_S.UNKNOWN, _E.WRITTEN_OFF): Transition(_S.FAILED, Effect.RELEASE),
        # No proof of absence is final: an order that appears after all counts, even beyond the limit.
        (_S.FAILED, _E.APPEARED_FILLED): Transition(_S.FILLED, Effect.ADD),
        (_S.FAILED, _E.APPEARED_PARTLY_FILLED): Transition(_S.PARTIALLY_FILLED, Effect.ADD),
    }
)


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


def executed(fill: Fill | None) -> OrderUpdate:
    """Return the update of an order that got *fill*, and nothing more."""
    if fill is None:
        return OrderUpdate(OrderEvent.FOUND_UNFILLED, Refusal(Reason.NOT_FILLED))
    event = OrderEvent.FOUND_FILLED if fill.complete else OrderEvent.FOUND_PARTLY_FILLED
    return OrderUpdate(event, fill=fill)
