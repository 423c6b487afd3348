"""Rules of repeating a purchase that got nothing: its deadline and its highest price. Pure.

The money of the order bounds every attempt; here only the price, the time, the count and the present limits are judged.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from executor.decisions.freshness import fresh_until
from executor.decisions.limits import fits
from executor.model import Order, OrderEvent, OrderState, OrderUpdate, Reason, Refusal
from executor.settings import ExecutorSettings
from shared.events import Mode, Side

_TRIED: Final = frozenset({OrderState.SENDING, OrderState.ACKNOWLEDGED})


@dataclass(frozen=True, slots=True)
class RepeatConditions:
    """Configuration and exposure in the transaction that commits a further attempt."""

    mode: Mode
    """The mode in which the listing would be bought now."""
    halted: str
    max_trade_usdt: Decimal
    max_position_usdt: Decimal
    committed_usdt: Decimal
    """Reserved and held, the reservation of the order itself included."""


def got_nothing(update: OrderUpdate) -> bool:
    """Return whether by *update* an attempt got nothing for want of offers: another may find some."""
    if update.event in {OrderEvent.DENIED, OrderEvent.REJECTED}:
        return update.reason is Reason.NO_LIQUIDITY
    return update.event is OrderEvent.FOUND_UNFILLED


def repeat_until(order: Order, settings: ExecutorSettings) -> datetime | None:
    """Return the deadline of another attempt of *order*, whose last one got nothing; None where none is allowed."""
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


def repeat_refusal(order: Order, now: RepeatConditions) -> Refusal | None:
    """Return the refusal of a further attempt of *order*, whose money is reserved already; None where it may go."""
    if now.halted:
        return Refusal(Reason.HALTED, now.halted)
    if now.mode is not order.mode:
        return Refusal(Reason.MODE_SWITCHED)
    if not fits(order.quote_qty, Decimal(0), now.max_trade_usdt):
        return Refusal(Reason.LIMITS_INVALID, "max_trade_usdt was lowered")
    if not fits(now.committed_usdt, Decimal(0), now.max_position_usdt):
        return Refusal(Reason.MAX_POSITION)
    return None
