"""What to do after an attempt: ask again, in which form and when, or conclude. Pure.

Only what is certainly no order may be asked for again, and only in the order's time; a move that is in doubt waits for
its proof.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Final, TypeVar, assert_never

from executor.decisions.limits import net_of_fee
from executor.decisions.market_filters import Reading
from executor.decisions.order_request import coarsened, fitted, repriced, resized, target_of
from executor.model.fill import Fill
from executor.model.money import CAREFUL
from executor.model.order import Order
from executor.model.order_state import OrderEvent
from executor.model.order_update import OrderUpdate
from executor.model.reasons import Reason, Refusal
from executor.model.send_result import (
    Accepted,
    Busy,
    Executed,
    NotOpen,
    Rejected,
    TooDear,
    Unanswered,
    Unsent,
    Untimely,
    Verdict,
    WrongSize,
)
from executor.pricing.price_band import band_of, nearest_price
from executor.settings import ExecutorSettings
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import Level

EARLY_MAX: Final = 3
UNSENT_MAX: Final = 3
UNTIMELY_MAX: Final = 5
REPRICED_MAX: Final = 3
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
    repriced: int = 0
    resized: bool = False
    rounded: bool = False
    """To as few digits as can be, after it was fitted and refused for its digits once more."""


@dataclass(frozen=True, slots=True)
class Again:
    """Send this, after a wait."""

    request: OrderRequest
    wait_seconds: float
    tries: Tries
    in_doubt: bool = False
    """There may be an order already: that there is none has to be proven first."""
    detail: str = ""
    """What the exchange said, of a move that is in doubt."""


@dataclass(frozen=True, slots=True)
class Reread:
    """The rules may explain the refusal: read them again and reconsider; the last price too, where it was the price."""

    is_needed: bool = True
    """Nothing else is known that could be sent instead."""


@dataclass(frozen=True, slots=True)
class Situation:
    """An attempt in its surroundings."""

    order: Order
    request: OrderRequest
    rules: TradingRules | None
    tries: Tries
    now: datetime
    settings: ExecutorSettings
    fee: Decimal
    """For taking, as a ratio."""
    bids: Sequence[Level] = ()
    """Those that a sale was priced by, best first."""


def next_move(verdict: Verdict, at: Situation) -> Again | Reread | OrderUpdate:
    """Return what follows from *verdict*."""
    match verdict:
        case Accepted(exchange_order_id):
            return OrderUpdate(OrderEvent.ACCEPTED, exchange_order_id=exchange_order_id)
        case Executed(fill):
            return executed(fill)
        case Rejected(reason, detail, stop):
            return OrderUpdate(OrderEvent.REJECTED, Refusal(reason, detail), halts=stop)
        case Unanswered(detail, stop):
            return OrderUpdate(OrderEvent.UNANSWERED, Refusal(Reason.OUTCOME_UNKNOWN, detail), halts=stop)
        case _:
            return _in_time(_asked_again(verdict, at), verdict, at)


def reconsidered(verdict: Verdict, at: Situation, reading: Reading) -> Again | OrderUpdate:
    """Return what follows from *verdict* once more was read: the order corrected, or its refusal."""
    rules = reading.rules or at.rules or TradingRules()
    match verdict:
        case TooDear(detail):
            rejected = OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.PRICE_REFUSED, detail))
            request = _nearer(at, rules, reading.last)
            if isinstance(request, Refusal):
                request = _at_the_best_bid(at, rules)
            move = rejected if isinstance(request, Refusal) else _repriced_as(request, at)
        case WrongSize(reason, detail):
            rejected = OrderUpdate(OrderEvent.REJECTED, Refusal(reason, detail))
            request = fitted(at.request, _money(at), rules, _target(at))
            if isinstance(request, Refusal) and request.reason is not Reason.BELOW_MINIMUM and verdict.of_digits:
                request = _as_the_bids_show(at, rules)
            if isinstance(request, Refusal) and request.reason is Reason.BELOW_MINIMUM:
                rejected = OrderUpdate(OrderEvent.REJECTED, request)
            move = rejected if isinstance(request, Refusal) else _resized_as(request, at)
        case _:
            raise AssertionError(verdict)
    return _in_time(move, verdict, at)


def executed(fill: Fill | None, *, otherwise: Reason = Reason.NOT_FILLED) -> OrderUpdate:
    """Return what an order comes to that got *fill*, and nothing more."""
    if fill is None:
        return OrderUpdate(OrderEvent.FOUND_UNFILLED, Refusal(otherwise))
    event = OrderEvent.FOUND_FILLED if fill.complete else OrderEvent.FOUND_PARTLY_FILLED
    return OrderUpdate(event, fill=fill)


def _asked_again(
    verdict: NotOpen | TooDear | WrongSize | Untimely | Busy | Unsent, at: Situation
) -> Again | Reread | OrderUpdate:
    match verdict:
        case NotOpen(detail):
            return _opening_awaited(at, detail)
        case Busy(detail):
            return Again(at.request, verdict.quiet_seconds, at.tries, verdict.in_doubt, detail)
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


def _opening_awaited(at: Situation, detail: str) -> Again | OrderUpdate:
    """Ask again soon, and the first few times at once: our clock or the exchange's may be a hair early.

    Only a purchase has an opening to wait for: the exits watch the symbol of a sale, and ask rarely.
    """
    if at.order.side is Side.SELL:
        return OrderUpdate(OrderEvent.LAPSED, Refusal(Reason.NOT_OPEN, detail))
    is_early = at.order.fire_at is not None and at.tries.not_open < EARLY_MAX
    wait_seconds = EARLY_WAIT_SECONDS if is_early else at.settings.retry_every_seconds
    return Again(at.request, wait_seconds, replace(at.tries, not_open=at.tries.not_open + 1))


def _signed_again(detail: str, at: Situation) -> Again | OrderUpdate:
    if at.tries.untimely >= UNTIMELY_MAX:
        return OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.CLOCK_UNCERTAIN, detail))
    return Again(at.request, UNTIMELY_WAIT_SECONDS, replace(at.tries, untimely=at.tries.untimely + 1))


def _written_again(detail: str, at: Situation) -> Again | OrderUpdate:
    if at.tries.unsent >= UNSENT_MAX:
        return OrderUpdate(OrderEvent.UNSENT, Refusal(Reason.EXCHANGE_UNAVAILABLE, detail))
    return Again(at.request, UNSENT_WAIT_SECONDS, replace(at.tries, unsent=at.tries.unsent + 1))


def _repriced(verdict: TooDear, at: Situation) -> Again | Reread | OrderUpdate:
    """Go to the price the exchange named, where it named one that helps; else to one that its rules explain."""
    if at.tries.repriced >= REPRICED_MAX:
        return OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.PRICE_REFUSED, verdict.detail))
    named = verdict.price_max if at.request.side is Side.BUY else verdict.price_min
    request = repriced(at.request, named, at.rules, _target(at))
    if isinstance(request, Refusal):
        return Reread(is_needed=isinstance(_at_the_best_bid(at, at.rules), Refusal))
    return _repriced_as(request, at)


def _at_the_best_bid(at: Situation, rules: TradingRules | None) -> OrderRequest | Refusal:
    """Return a sale at the price that stands for the last one where that is not known: the best bid."""
    if at.order.side is Side.BUY or not at.bids:
        return Refusal(Reason.PRICE_REFUSED)
    return repriced(at.request, at.bids[0].price, rules)


def _nearer(at: Situation, rules: TradingRules, last: Decimal | None) -> OrderRequest | Refusal:
    """Return the request at the nearest price that may be taken; or in the scale that was read."""
    if at.request.price is None:
        return Refusal(Reason.PRICE_REFUSED)
    with localcontext(CAREFUL):
        band = band_of(rules, last)
        price = nearest_price(at.request.side, at.request.price, band, last, at.tries.repriced)
    nearer = repriced(at.request, price, rules, _target(at))
    return fitted(at.request, _money(at), rules, _target(at)) if isinstance(nearer, Refusal) else nearer


def _repriced_as(request: OrderRequest, at: Situation) -> Again:
    return Again(request, 0.0, replace(at.tries, repriced=at.tries.repriced + 1))


def _resized(verdict: WrongSize, at: Situation) -> Again | Reread | OrderUpdate:
    rejected = OrderUpdate(OrderEvent.REJECTED, Refusal(verdict.reason, verdict.detail))
    if at.order.side is Side.SELL and verdict.notional_min is not None:
        return OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.BELOW_MINIMUM, verdict.detail))
    if verdict.of_digits and at.tries.resized and not at.tries.rounded:
        request = _rounded(at)
        return rejected if isinstance(request, Refusal) else _resized_as(request, at, rounded=True)
    if at.tries.resized or verdict.reason is not Reason.SIZE_REFUSED:
        return rejected
    request = resized(at.request, verdict.notional_min, _money(at))
    if not isinstance(request, Refusal):
        return _resized_as(request, at)
    if request.reason is Reason.BELOW_MINIMUM:
        return rejected
    return Reread(is_needed=not verdict.of_digits or isinstance(_as_the_bids_show(at, at.rules), Refusal))


def _as_the_bids_show(at: Situation, rules: TradingRules | None) -> OrderRequest | Refusal:
    """Return a sale with as few digits as the bids have, where that is fewer than *rules* allow."""
    if at.order.side is Side.BUY or not at.bids:
        return Refusal(Reason.SIZE_REFUSED)
    return coarsened(at.request, rules, at.bids)


def _rounded(at: Situation) -> OrderRequest | Refusal:
    """Return a sale of whole coins at a price with no more digits than the best bid: few scales are coarser."""
    if at.order.side is Side.BUY or not at.bids:
        return Refusal(Reason.SIZE_REFUSED)
    return coarsened(at.request, at.rules, [Level(at.bids[0].price, Decimal(1))])


def _resized_as(request: OrderRequest, at: Situation, *, rounded: bool = False) -> Again:
    return Again(request, 0.0, replace(at.tries, resized=True, rounded=rounded))


def _money(at: Situation) -> Decimal:
    return net_of_fee(at.order.quote_qty, at.fee)


def _target(at: Situation) -> Decimal | None:
    """Return what a purchase of a set size is to spend where the price holds; any other spends all it may."""
    is_set = at.order.side is Side.BUY and at.settings.order_usdt is not None
    return target_of(at.order, at.settings, at.fee) if is_set else None


M = TypeVar("M", Again | OrderUpdate, Again | Reread | OrderUpdate)


def _in_time(move: M, verdict: Verdict, at: Situation) -> M | OrderUpdate:
    """Return *move*, or what it comes to when the order's time is over before it."""
    if not isinstance(move, Again) or at.now + timedelta(seconds=move.wait_seconds) <= at.order.send_until:
        return move
    match verdict:
        case NotOpen(detail):
            # Only a purchase that was never taken has an opening to wait for; whoever wants to sell decides anew.
            waits = at.order.side is Side.BUY and at.order.attempt == 1
            event = OrderEvent.POSTPONED if waits else OrderEvent.LAPSED
            return OrderUpdate(event, Refusal(Reason.NOT_OPEN, detail))
        case Busy(detail) if verdict.in_doubt:
            return OrderUpdate(OrderEvent.UNANSWERED, Refusal(Reason.OUTCOME_UNKNOWN, detail))
        case Busy(detail):
            return OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.TOO_MANY_REQUESTS, detail))
        case Untimely(detail):
            return OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.CLOCK_UNCERTAIN, detail))
        case _:
            return OrderUpdate(OrderEvent.UNSENT, Refusal(Reason.EXCHANGE_UNAVAILABLE, "no time for another attempt"))
