"""The rules of further attempts of a purchase that got nothing: until when, and for how much a coin. Pure.

The money of the order bounds every attempt; here only the price, the time, the count and the limits of now are judged.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Final

from executor.decisions.freshness import fresh_until
from executor.decisions.limits import fits
from executor.model.money import CAREFUL
from executor.model.order import Order
from executor.model.order_state import OrderState
from executor.model.reasons import Reason, Refusal
from executor.settings import ExecutorSettings
from shared.events import Mode, Side
from shared.mexc.orders.order_api import OrderRequest

_TRIED: Final = frozenset({OrderState.SENDING, OrderState.ACKNOWLEDGED})


@dataclass(frozen=True, slots=True)
class Conditions:
    """What stands in the transaction that commits a further attempt."""

    mode: Mode
    """In which the listing would be bought now."""
    halted: str
    max_trade_usdt: Decimal
    max_position_usdt: Decimal
    committed_usdt: Decimal
    """Reserved and held, with what is reserved for the order itself."""


def price_bound(request: OrderRequest, reference: Decimal | None, settings: ExecutorSettings) -> Decimal | None:
    """Return what no further attempt pays more than, after a first one by *request*; None where there may be none.

    As far above the *reference* of the first as a run-up is followed; where that is not set, no more than the first.
    """
    if request.side is not Side.BUY or request.price is None:
        return None
    if settings.run_up_pct_max is None or reference is None:
        return request.price
    with localcontext(CAREFUL):
        return reference * (1 + settings.run_up_pct_max / 100)


def further_until(order: Order, settings: ExecutorSettings) -> datetime | None:
    """Return until when another attempt of *order*, whose last one got nothing, may begin; None where none may."""
    if order.side is not Side.BUY or order.price_max is None or order.state not in _TRIED:
        return None
    if order.attempt >= settings.entry_attempts:
        return None
    # A further attempt may be sent for as long as all of them may: the first decides.
    until = order.send_until
    if order.attempt == 1:
        if order.answered_at is None:
            return None
        until = order.answered_at + timedelta(seconds=settings.entry_attempts_seconds)
    return min(until, fresh_until(order.listing, settings))


def forbidden(order: Order, now: Conditions) -> Refusal | None:
    """Return what stands against a further attempt of *order* where that is so; its money is reserved already."""
    if now.halted:
        return Refusal(Reason.HALTED, now.halted)
    if now.mode is not order.mode:
        return Refusal(Reason.MODE_SWITCHED)
    if not fits(order.quote_qty, Decimal(0), now.max_trade_usdt):
        return Refusal(Reason.LIMITS_INVALID, "max_trade_usdt was lowered")
    if not fits(now.committed_usdt, Decimal(0), now.max_position_usdt):
        return Refusal(Reason.MAX_POSITION)
    return None
