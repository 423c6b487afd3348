"""Retry policy of order attempts: send again, in which form and when, or conclude. Pure.

Only a result that proves that there is no order may be retried at once, and only in the order's time; a move that is in
doubt waits for its proof.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final, TypeVar, assert_never

from executor.decisions.market_filters import RereadResult
from executor.decisions.order_corrections import fitted_to_rules, repriced, resized
from executor.decisions.retry_corrections import (
    AttemptContext,
    RetryCounts,
    at_best_bid,
    at_nearest_price,
    in_digits_of_bids,
    in_whole_coins,
)
from executor.model import (
    Accepted,
    Executed,
    NotOpen,
    OrderEvent,
    OrderUpdate,
    PriceRefused,
    Reason,
    Refusal,
    Rejected,
    SendResult,
    Throttled,
    TimestampRefused,
    Unanswered,
    Unsent,
    WrongSize,
    executed,
)
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest

EARLY_MAX: Final = 3
UNSENT_MAX: Final = 3
TIMESTAMP_REFUSED_MAX: Final = 5
REPRICED_MAX: Final = 3
EARLY_WAIT_SECONDS: Final = 0.02
UNSENT_WAIT_SECONDS: Final = 0.1
TIMESTAMP_REFUSED_WAIT_SECONDS: Final = 0.3
"""The exchange's time is read again meanwhile."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Send *request* after a wait."""

    request: OrderRequest
    wait_seconds: float
    counts: RetryCounts
    in_doubt: bool = False
    """There may be an order already: its absence has to be proven first."""
    detail: str = ""
    """The words of the exchange, of a move that is in doubt."""


@dataclass(frozen=True, slots=True)
class RereadRules:
    """Read the rules again, which may explain the refusal; the last price too, where the price was refused."""

    is_needed: bool = True
    """No other request is known that could be sent instead."""


def next_move(result: SendResult, context: AttemptContext) -> Retry | RereadRules | OrderUpdate:
    """Return the move that follows from *result*."""
    match result:
        case Accepted(exchange_order_id):
            return OrderUpdate(OrderEvent.ACCEPTED, exchange_order_id=exchange_order_id)
        case Executed(fill):
            return executed(fill)
        case Rejected(reason, detail, stop):
            return OrderUpdate(OrderEvent.REJECTED, Refusal(reason, detail), halts=stop)
        case Unanswered(detail, stop):
            return OrderUpdate(OrderEvent.UNANSWERED, Refusal(Reason.OUTCOME_UNKNOWN, detail), halts=stop)
        case _:
            return _in_time(_retry_move(result, context), result, context)


def move_after_reread(result: SendResult, context: AttemptContext, reread: RereadResult) -> Retry | OrderUpdate:
    """Return the move that follows from *result* and the rules that were read again: a corrected order, or an end."""
    rules = reread.rules or context.rules or TradingRules()
    match result:
        case PriceRefused(detail):
            rejected = OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.PRICE_REFUSED, detail))
            request = at_nearest_price(context, rules, reread.last)
            counts = replace(context.counts, repriced=context.counts.repriced + 1)
        case WrongSize(reason, detail):
            rejected = OrderUpdate(OrderEvent.REJECTED, Refusal(reason, detail))
            request = fitted_to_rules(context.request, context.money, rules, context.target)
            if isinstance(request, Refusal) and request.reason is not Reason.BELOW_MINIMUM and result.of_digits:
                request = in_digits_of_bids(context, rules)
            if isinstance(request, Refusal) and request.reason is Reason.BELOW_MINIMUM:
                rejected = OrderUpdate(OrderEvent.REJECTED, request)
            counts = replace(context.counts, resized=True, rounded=False)
        case _:
            raise AssertionError(result)
    move = rejected if isinstance(request, Refusal) else Retry(request, 0.0, counts)
    return _in_time(move, result, context)


def _retry_move(
    result: NotOpen | PriceRefused | WrongSize | TimestampRefused | Throttled | Unsent, context: AttemptContext
) -> Retry | RereadRules | OrderUpdate:
    match result:
        case NotOpen(detail):
            return _retry_until_open(context, detail)
        case Throttled(detail):
            return Retry(context.request, result.quiet_seconds, context.counts, result.in_doubt, detail)
        case PriceRefused():
            return _repriced(result, context)
        case WrongSize():
            return _resized(result, context)
        case TimestampRefused() | Unsent():
            return _same_again(result, context)
        case _:
            assert_never(result)


def _same_again(result: TimestampRefused | Unsent, context: AttemptContext) -> Retry | OrderUpdate:
    """Retry the same request, unless that failed too often."""
    counts = context.counts
    if isinstance(result, TimestampRefused):
        if counts.timestamp_refused >= TIMESTAMP_REFUSED_MAX:
            return OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.CLOCK_UNCERTAIN, result.detail))
        counts = replace(counts, timestamp_refused=counts.timestamp_refused + 1)
        return Retry(context.request, TIMESTAMP_REFUSED_WAIT_SECONDS, counts)
    if counts.unsent >= UNSENT_MAX:
        return OrderUpdate(OrderEvent.UNSENT, Refusal(Reason.EXCHANGE_UNAVAILABLE, result.detail))
    return Retry(context.request, UNSENT_WAIT_SECONDS, replace(counts, unsent=counts.unsent + 1))


def _retry_until_open(context: AttemptContext, detail: str) -> Retry | OrderUpdate:
    """Retry soon, and the first few times at once: our clock or the exchange's may be a hair early.

    Only a purchase has an opening to wait for: the exits watch the symbol of a sale, and ask rarely.
    """
    if context.order.side is Side.SELL:
        return OrderUpdate(OrderEvent.LAPSED, Refusal(Reason.NOT_OPEN, detail))
    is_early = context.order.fire_at is not None and context.counts.not_open < EARLY_MAX
    wait_seconds = EARLY_WAIT_SECONDS if is_early else context.settings.retry_every_seconds
    return Retry(context.request, wait_seconds, replace(context.counts, not_open=context.counts.not_open + 1))


def _repriced(result: PriceRefused, context: AttemptContext) -> Retry | RereadRules | OrderUpdate:
    """Retry at the price that the exchange named, where that helps; else read the rules again."""
    counts = context.counts
    if counts.repriced >= REPRICED_MAX:
        return OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.PRICE_REFUSED, result.detail))
    named = result.price_max if context.request.side is Side.BUY else result.price_min
    request = repriced(context.request, named, context.rules, context.target)
    if isinstance(request, Refusal):
        return RereadRules(is_needed=isinstance(at_best_bid(context, context.rules), Refusal))
    return Retry(request, 0.0, replace(counts, repriced=counts.repriced + 1))


def _resized(result: WrongSize, context: AttemptContext) -> Retry | RereadRules | OrderUpdate:
    """Retry in fewer digits or for another amount, where that helps; else read the rules again."""
    rejected, counts = OrderUpdate(OrderEvent.REJECTED, Refusal(result.reason, result.detail)), context.counts
    if context.order.side is Side.SELL and result.notional_min is not None:
        return OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.BELOW_MINIMUM, result.detail))
    is_rounded = result.of_digits and counts.resized and not counts.rounded
    if is_rounded:
        request = in_whole_coins(context)
    elif counts.resized or result.reason is not Reason.SIZE_REFUSED:
        return rejected
    else:
        request = resized(context.request, result.notional_min, context.money)
    if not isinstance(request, Refusal):
        return Retry(request, 0.0, replace(counts, resized=True, rounded=is_rounded))
    if is_rounded or request.reason is Reason.BELOW_MINIMUM:
        return rejected
    needs_rules = not result.of_digits or isinstance(in_digits_of_bids(context, context.rules), Refusal)
    return RereadRules(is_needed=needs_rules)


M = TypeVar("M", Retry | OrderUpdate, Retry | RereadRules | OrderUpdate)


def _in_time(move: M, result: SendResult, context: AttemptContext) -> M | OrderUpdate:
    """Return *move*, or its conclusion where the order's time is over before it."""
    order = context.order
    if not isinstance(move, Retry) or context.now + timedelta(seconds=move.wait_seconds) <= order.send_until:
        return move
    match result:
        case NotOpen(detail):
            # Only a purchase that was never taken has an opening to wait for; a sale is decided anew.
            event = OrderEvent.POSTPONED if order.is_first_purchase else OrderEvent.LAPSED
            return OrderUpdate(event, Refusal(Reason.NOT_OPEN, detail))
        case Throttled(detail) if result.in_doubt:
            return OrderUpdate(OrderEvent.UNANSWERED, Refusal(Reason.OUTCOME_UNKNOWN, detail))
        case Throttled(detail):
            return OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.TOO_MANY_REQUESTS, detail))
        case TimestampRefused(detail):
            return OrderUpdate(OrderEvent.REJECTED, Refusal(Reason.CLOCK_UNCERTAIN, detail))
        case _:
            return OrderUpdate(OrderEvent.UNSENT, Refusal(Reason.EXCHANGE_UNAVAILABLE, "no time for another attempt"))
