"""Results of one attempt to send an order. Pure."""

from dataclasses import dataclass
from decimal import Decimal

from executor.model.fill import Fill
from executor.model.reasons import Reason
from shared.mexc.retry_after import quiet_seconds


@dataclass(frozen=True, slots=True)
class Accepted:
    """The exchange took the order; its fill is still to be read."""

    exchange_order_id: str


@dataclass(frozen=True, slots=True)
class Executed:
    """The fill is known at once: a dry run's, from the order book. None: nothing at its price."""

    fill: Fill | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """Certainly no order, and a retry would change nothing."""

    reason: Reason
    detail: str = ""
    stop: bool = False
    """The refusal concerns our keys or our account: every other order would be refused too, so trading halts."""


@dataclass(frozen=True, slots=True)
class NotOpen:
    """Certainly no order: the symbol does not trade yet. Worth a retry soon."""

    detail: str


@dataclass(frozen=True, slots=True)
class PriceRefused:
    """Certainly no order: the price is outside the exchange's band, whose bound it may have named.

    Of a sale the price is too low.
    """

    detail: str
    price_max: Decimal | None
    price_min: Decimal | None = None


@dataclass(frozen=True, slots=True)
class WrongSize:
    """Certainly no order: the amount does not suit the exchange or the balance."""

    reason: Reason
    detail: str
    notional_min: Decimal | None = None
    """The least it takes, where it named that."""
    of_digits: bool = False
    """Price or quantity may have more digits than the symbol has now."""


@dataclass(frozen=True, slots=True)
class TimestampRefused:
    """Certainly no order: the exchange's clock and ours disagree. Worth signing again once they do not."""

    detail: str


@dataclass(frozen=True, slots=True)
class Throttled:
    """Rate-limited or banned: nothing may be sent for a while. It proves nothing about the order."""

    detail: str
    wait_seconds: float | None
    banned: bool = False
    in_doubt: bool = True
    """Whether there may be an order. There is none after a test, which never makes one."""

    @property
    def quiet_seconds(self) -> float:
        """The quiet period that the exchange named, else the default; that of a ban is longer."""
        return quiet_seconds(self.wait_seconds, banned=self.banned)


@dataclass(frozen=True, slots=True)
class Unsent:
    """Certainly no order: not a byte was written."""

    detail: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """There may be an order or not."""

    detail: str
    stop: bool = False
    """Our keys or our account seem to be refused, though without proof: trading halts."""
    throttled: Throttled | None = None
    """The quiet period that the exchange asked for all the same."""


SendResult = (
    Accepted
    | Executed
    | Rejected
    | NotOpen
    | PriceRefused
    | WrongSize
    | TimestampRefused
    | Throttled
    | Unsent
    | Unanswered
)
