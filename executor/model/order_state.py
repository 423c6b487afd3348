"""The life of an order as one table: in which state what may happen, where it leads, and what it does to the money."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from shared.states import AT_LARGE, FINAL, OrderState

__all__ = ["AT_LARGE", "FINAL", "TABLE", "Effect", "OrderEvent", "OrderState", "Step"]


class OrderEvent(StrEnum):
    """What happens to an order."""

    FIRED = "fired"
    """Its moment came, and the limits allow it."""
    ACCEPTED = "accepted"
    """The exchange named it an order of its own."""
    DENIED = "denied"
    """A rule of ours forbade it before a byte was written."""
    REJECTED = "rejected"
    """The exchange would not take it."""
    LAPSED = "lapsed"
    """The time in which it could be sent is over, and no attempt was taken."""
    POSTPONED = "postponed"
    """The symbol did not open while we kept asking; it waits until an opening is told, or until the next start."""
    UNSENT = "unsent"
    """No attempt could be written."""
    UNANSWERED = "unanswered"
    """A request was written and not answered, or whoever sent it is gone."""
    RETRIED = "retried"
    """It is proven to have ended with nothing filled, and another attempt follows, under another id."""
    FOUND_FILLED = "found_filled"
    """All of it was executed, read from the exchange or from the book of a dry run."""
    FOUND_PARTLY_FILLED = "found_partly_filled"
    """It ended with some of it executed."""
    FOUND_UNFILLED = "found_unfilled"
    """It ended at the exchange with nothing filled."""
    FOUND_ABSENT = "found_absent"
    """Looked for again and again, for longer than it could have taken to arrive: it never did."""
    WRITTEN_OFF = "written_off"
    """An operator decided that it never took place."""
    APPEARED_FILLED = "appeared_filled"
    """It was given up, and was found after all, with all of it executed."""
    APPEARED_PARTLY_FILLED = "appeared_partly_filled"
    """It was given up, and was found after all, with some of it executed."""


class Effect(StrEnum):
    """What a step does to the exposure."""

    RESERVE = "reserve"
    HOLD = "hold"
    """What is reserved stays reserved."""
    RELEASE = "release"
    SETTLE = "settle"
    """What was spent takes the place of what was reserved."""
    ADD = "add"
    """What was spent counts, although nothing is reserved for it any more."""
    NOTHING = "nothing"
    """Nothing is reserved yet, and nothing will be."""


class Step(NamedTuple):
    state: OrderState
    effect: Effect


_S, _E = OrderState, OrderEvent
TABLE: Final[Mapping[tuple[OrderState, OrderEvent], Step]] = MappingProxyType(
    {
        (_S.ARMED, _E.FIRED): Step(_S.SENDING, Effect.RESERVE),
        (_S.ARMED, _E.DENIED): Step(_S.REJECTED, Effect.NOTHING),
        (_S.ARMED, _E.LAPSED): Step(_S.EXPIRED, Effect.NOTHING),
        (_S.SENDING, _E.ACCEPTED): Step(_S.ACKNOWLEDGED, Effect.HOLD),
        (_S.SENDING, _E.DENIED): Step(_S.REJECTED, Effect.RELEASE),
        (_S.SENDING, _E.REJECTED): Step(_S.REJECTED, Effect.RELEASE),
        (_S.SENDING, _E.LAPSED): Step(_S.EXPIRED, Effect.RELEASE),
        (_S.SENDING, _E.POSTPONED): Step(_S.ARMED, Effect.RELEASE),
        (_S.SENDING, _E.UNSENT): Step(_S.FAILED, Effect.RELEASE),
        (_S.SENDING, _E.UNANSWERED): Step(_S.UNKNOWN, Effect.HOLD),
        # The next attempt is committed before it is sent, by whoever has proven that the one before got nothing; the
        # money stays reserved for it. A dry run learns that while it is sending.
        (_S.SENDING, _E.RETRIED): Step(_S.SENDING, Effect.HOLD),
        (_S.ACKNOWLEDGED, _E.RETRIED): Step(_S.SENDING, Effect.HOLD),
        # A dry run learns at once what it got; and who looks may find an order before its sender has spoken.
        (_S.SENDING, _E.FOUND_FILLED): Step(_S.FILLED, Effect.SETTLE),
        (_S.SENDING, _E.FOUND_PARTLY_FILLED): Step(_S.PARTIALLY_FILLED, Effect.SETTLE),
        (_S.SENDING, _E.FOUND_UNFILLED): Step(_S.EXPIRED, Effect.RELEASE),
        (_S.ACKNOWLEDGED, _E.FOUND_FILLED): Step(_S.FILLED, Effect.SETTLE),
        (_S.ACKNOWLEDGED, _E.FOUND_PARTLY_FILLED): Step(_S.PARTIALLY_FILLED, Effect.SETTLE),
        (_S.ACKNOWLEDGED, _E.FOUND_UNFILLED): Step(_S.EXPIRED, Effect.RELEASE),
        (_S.ACKNOWLEDGED, _E.WRITTEN_OFF): Step(_S.FAILED, Effect.RELEASE),
        # A sender that was taken for dead may still speak: what it knows for certain counts.
        (_S.UNKNOWN, _E.ACCEPTED): Step(_S.ACKNOWLEDGED, Effect.HOLD),
        (_S.UNKNOWN, _E.DENIED): Step(_S.REJECTED, Effect.RELEASE),
        (_S.UNKNOWN, _E.REJECTED): Step(_S.REJECTED, Effect.RELEASE),
        (_S.UNKNOWN, _E.LAPSED): Step(_S.EXPIRED, Effect.RELEASE),
        (_S.UNKNOWN, _E.UNSENT): Step(_S.FAILED, Effect.RELEASE),
        (_S.UNKNOWN, _E.FOUND_FILLED): Step(_S.FILLED, Effect.SETTLE),
        (_S.UNKNOWN, _E.FOUND_PARTLY_FILLED): Step(_S.PARTIALLY_FILLED, Effect.SETTLE),
        (_S.UNKNOWN, _E.FOUND_UNFILLED): Step(_S.EXPIRED, Effect.RELEASE),
        (_S.UNKNOWN, _E.FOUND_ABSENT): Step(_S.FAILED, Effect.RELEASE),
        (_S.UNKNOWN, _E.WRITTEN_OFF): Step(_S.FAILED, Effect.RELEASE),
        # No absence is certain for ever: what appears after all counts, even beyond the limit.
        (_S.FAILED, _E.APPEARED_FILLED): Step(_S.FILLED, Effect.ADD),
        (_S.FAILED, _E.APPEARED_PARTLY_FILLED): Step(_S.PARTIALLY_FILLED, Effect.ADD),
    }
)
