"""What one attempt to send an order came to."""

from dataclasses import dataclass
from decimal import Decimal

from executor.fills import Fill
from executor.reasons import Reason


@dataclass(frozen=True, slots=True)
class Accepted:
    """The exchange took the order; what it got is still to be read."""

    exchange_order_id: str


@dataclass(frozen=True, slots=True)
class Executed:
    """What the order got, known at once: a dry run's, from the order book. None: nothing at its price."""

    fill: Fill | None


@dataclass(frozen=True, slots=True)
class Refused:
    """Certainly no order, and asking again would change nothing."""

    reason: Reason
    detail: str = ""
    stop: bool = False
    """The refusal concerns our keys or our account: every other order would be refused too, so trading halts."""


@dataclass(frozen=True, slots=True)
class NotOpen:
    """Certainly no order: the symbol does not trade yet. Worth asking again soon."""

    detail: str


@dataclass(frozen=True, slots=True)
class TooDear:
    """Certainly no order: the price is beyond what the exchange allows; it may have named the most it takes."""

    detail: str
    price_max: Decimal | None


@dataclass(frozen=True, slots=True)
class WrongSize:
    """Certainly no order: the amount does not suit the exchange or the balance."""

    reason: Reason
    detail: str
    notional_min: Decimal | None = None
    """The least it takes, where it said so."""


@dataclass(frozen=True, slots=True)
class Untimely:
    """Certainly no order: the exchange's clock and ours disagree. Worth signing again once they do not."""

    detail: str


@dataclass(frozen=True, slots=True)
class Busy:
    """Certainly no order: asked too often. Nothing may be sent for a while."""

    detail: str
    wait_seconds: float | None
    banned: bool = False


@dataclass(frozen=True, slots=True)
class Unsent:
    """Certainly no order: not a byte was written."""

    detail: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody knows whether there is an order."""

    detail: str


Verdict = Accepted | Executed | Refused | NotOpen | TooDear | WrongSize | Untimely | Busy | Unsent | Unanswered
