"""What to do after an attempt: ask again, in which form and when, or conclude. Pure.

Only what is certainly no order may be asked for again, and only until the order's time is over.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, assert_never

from executor.entry import repriced, resized
from executor.fills import Fill
from executor.limits import net_of_fee
from executor.order import Order
from executor.reasons import Reason, worded
from executor.settings import ExecutorSettings
from executor.states import OrderEvent
from executor.strategy import Refuse
from executor.verdicts import (
    Accepted,
    Busy,
    Executed,
    NotOpen,
    Refused,
    TooDear,
    Unanswered,
    Unsent,
    Untimely,
    Verdict,
    WrongSize,
)
from shared.events import Side, TradingRules
from shared.mexc.trading import OrderRequest

EARLY_MAX: Final = 3
UNSENT_MAX: Final = 3
UNTIMELY_MAX: Final = 5
EARLY_WAIT_SECONDS: Final = 0.02
UNSENT_WAIT_SECONDS: Final = 0.1
UNTIMELY_WAIT_SECONDS: Final = 0.3
"""Meanwhile the exchange is asked for its time."""


@dataclass(frozen=True, slots=True)
class Tries:
    """How an order has been helped so far."""

    not_open: int = 0
    unsent: int = 0
    untimely: int = 0
    repriced: bool = False
    resized: bool = False


@dataclass(frozen=True, slots=True)
class Again:
    """Send this, after a wait."""

    request: OrderRequest
    wait_seconds: float
    tries: Tries


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What the attempts came to."""

    event: OrderEvent
    reason: str | None = None
    fill: Fill | None = None
    exchange_order_id: str | None = None
    halts: bool = False
    """Every other order would fare the same."""


@dataclass(frozen=True, slots=True)
class Situation:
    """An attempt in its surroundings."""

    order: Order
    request: OrderRequest
    rules: TradingRules | None
    tries: Tries
    now: datetime
    settings: ExecutorSettings


def next_move(verdict: Verdict, at: Situation) -> Again | Conclusion:
    """Return what follows from *verdict*."""
    match verdict:
        case Accepted(exchange_order_id):
            return Conclusion(OrderEvent.ACCEPTED, exchange_order_id=exchange_order_id)
        case Executed(fill):
            return executed(fill)
        case Refused(reason, detail, stop):
            return Conclusion(OrderEvent.REFUSED, worded(reason, detail), halts=stop)
        case Unanswered(detail):
            return Conclusion(OrderEvent.UNANSWERED, worded(Reason.OUTCOME_UNKNOWN, detail))
        case _:
            return _in_time(_asked_again(verdict, at), verdict, at)


def executed(fill: Fill | None, *, otherwise: Reason = Reason.NOT_FILLED) -> Conclusion:
    """Return what an order comes to that got *fill*, and nothing more."""
    if fill is None:
        return Conclusion(OrderEvent.FOUND_UNFILLED, otherwise)
    event = OrderEvent.FOUND_FILLED if fill.complete else OrderEvent.FOUND_PARTLY_FILLED
    return Conclusion(event, fill=fill)


def _asked_again(
    verdict: NotOpen | TooDear | WrongSize | Untimely | Busy | Unsent, at: Situation
) -> Again | Conclusion:
    match verdict:
        case NotOpen():
            return _opening_awaited(at)
        case Busy(_, wait_seconds):
            return Again(at.request, 1.0 if wait_seconds is None else wait_seconds, at.tries)
        case TooDear():
            return _repriced(verdict, at)
        case WrongSize():
            return _resized(verdict, at)
        case Untimely(detail):
            return _signed_again(detail, at)
        case Unsent(detail):
            return _written_again(detail, at)
        case _:
            assert_never(verdict)


def _opening_awaited(at: Situation) -> Again:
    """Ask again soon, and the first few times at once: our clock or the exchange's may be a hair early."""
    is_early = at.order.fire_at is not None and at.tries.not_open < EARLY_MAX
    wait_seconds = EARLY_WAIT_SECONDS if is_early else at.settings.retry_every_seconds
    return Again(at.request, wait_seconds, replace(at.tries, not_open=at.tries.not_open + 1))


def _signed_again(detail: str, at: Situation) -> Again | Conclusion:
    if at.tries.untimely >= UNTIMELY_MAX:
        return Conclusion(OrderEvent.REFUSED, worded(Reason.CLOCK_UNCERTAIN, detail))
    return Again(at.request, UNTIMELY_WAIT_SECONDS, replace(at.tries, untimely=at.tries.untimely + 1))


def _written_again(detail: str, at: Situation) -> Again | Conclusion:
    if at.tries.unsent >= UNSENT_MAX:
        return Conclusion(OrderEvent.UNSENT, worded(Reason.EXCHANGE_UNAVAILABLE, detail))
    return Again(at.request, UNSENT_WAIT_SECONDS, replace(at.tries, unsent=at.tries.unsent + 1))


def _repriced(verdict: TooDear, at: Situation) -> Again | Conclusion:
    refused = Conclusion(OrderEvent.REFUSED, worded(Reason.PRICE_REFUSED, verdict.detail))
    if at.tries.repriced or verdict.price_max is None:
        return refused
    request = repriced(at.request, verdict.price_max, at.rules)
    return refused if isinstance(request, Refuse) else Again(request, 0.0, replace(at.tries, repriced=True))


def _resized(verdict: WrongSize, at: Situation) -> Again | Conclusion:
    refused = Conclusion(OrderEvent.REFUSED, worded(verdict.reason, verdict.detail))
    if at.order.side is Side.SELL and verdict.notional_min is not None:
        return Conclusion(OrderEvent.REFUSED, worded(Reason.BELOW_MINIMUM, verdict.detail))
    if at.tries.resized:
        return refused
    request = resized(at.request, verdict.notional_min, net_of_fee(at.order.quote_qty, at.settings.taker_fee))
    return refused if isinstance(request, Refuse) else Again(request, 0.0, replace(at.tries, resized=True))


def _in_time(move: Again | Conclusion, verdict: Verdict, at: Situation) -> Again | Conclusion:
    """Return *move*, or what it comes to when the order's time is over before it."""
    if isinstance(move, Conclusion) or at.now + timedelta(seconds=move.wait_seconds) <= at.order.send_until:
        return move
    match verdict:
        case NotOpen(detail):
            # Only a purchase has an opening to wait for; whoever wants to sell decides on a new sale.
            event = OrderEvent.POSTPONED if at.order.side is Side.BUY else OrderEvent.LAPSED
            return Conclusion(event, worded(Reason.NOT_OPEN, detail))
        case Busy(detail):
            return Conclusion(OrderEvent.REFUSED, worded(Reason.TOO_MANY_REQUESTS, detail))
        case Untimely(detail):
            return Conclusion(OrderEvent.REFUSED, worded(Reason.CLOCK_UNCERTAIN, detail))
        case _:
            return Conclusion(OrderEvent.UNSENT, worded(Reason.EXCHANGE_UNAVAILABLE, "no time for another attempt"))
