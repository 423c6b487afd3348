"""How much may be spent, in whole cents and never one more, and how often."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Final

from executor.model.money import CAREFUL, CENT
from executor.model.reasons import Reason

MINUTE: Final = timedelta(minutes=1)
_HUNDRED: Final = Decimal(100)
_AMOUNT_MAX: Final = Decimal(10) ** 15
"""No limit can be set to as much; beyond it something is broken."""


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """What one mode has at stake, and what it did lately."""

    committed_usdt: Decimal
    """Reserved, or spent on positions that are still open."""
    recent_orders: Sequence[datetime]
    """When the latest orders were decided on, at least as many as are allowed in a minute."""
    day_orders: int
    """Decided on since midnight UTC."""
    day_spent_usdt: Decimal
    """By those, whatever was sold or released since."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one mode may have at stake, and do."""

    max_position_usdt: Decimal
    orders_per_minute: int
    orders_per_day: int
    daily_spend_usdt: Decimal


def order_size(order_usdt: Decimal | None, max_trade_usdt: Decimal) -> Decimal | None:
    """Return what to spend on one listing where the price holds, fee included; None where the limits leave nothing."""
    wanted = max_trade_usdt if order_usdt is None else order_usdt
    if not (_is_amount(wanted) and _is_amount(max_trade_usdt)):
        return None
    size = min(wanted, max_trade_usdt).quantize(CENT, context=CAREFUL)
    return size if size > 0 else None


def reservation(
    size: Decimal, slippage_pct: Decimal, max_trade_usdt: Decimal, usage: LimitUsage, limits: Limits
) -> Decimal:
    """Return what to reserve for an order of *size* at the reference price: what it costs at its cap.

    Less where a limit leaves less, and never less than *size*, for which there is room: an order is cut to fit.
    """
    ratio = CAREFUL.add(1, CAREFUL.divide(slippage_pct, _HUNDRED))
    at_cap = CAREFUL.multiply(size, ratio).quantize(CENT, ROUND_UP, CAREFUL)
    room = min(
        max_trade_usdt,
        CAREFUL.subtract(limits.max_position_usdt, usage.committed_usdt),
        CAREFUL.subtract(limits.daily_spend_usdt, usage.day_spent_usdt),
    )
    return max(size, min(at_cap, room.quantize(CENT, context=CAREFUL)))


def exceeded(size: Decimal, usage: LimitUsage, limits: Limits, now: datetime) -> Reason | None:
    """Return which limit an order of *size* would break; None when it breaks none.

    A number that cannot be compared breaks its limit.
    """
    if not fits(size, usage.committed_usdt, limits.max_position_usdt):
        return Reason.MAX_POSITION
    within_a_minute = sum(now - decided_at < MINUTE for decided_at in usage.recent_orders)
    if within_a_minute >= limits.orders_per_minute:
        return Reason.ORDERS_PER_MINUTE
    if not 0 <= usage.day_orders < limits.orders_per_day:
        return Reason.ORDERS_PER_DAY
    if not fits(size, usage.day_spent_usdt, limits.daily_spend_usdt):
        return Reason.DAILY_SPEND
    return None


def fits(size: Decimal, used_usdt: Decimal, limit_usdt: Decimal) -> bool:
    """Tell whether *size* may be spent beside what is already used of a limit."""
    if not (_is_amount(size) and _is_amount(limit_usdt) and used_usdt.is_finite() and used_usdt >= 0):
        return False
    # Unlike a sum, what is left is never rounded up, and comparing does not round.
    return size <= CAREFUL.subtract(limit_usdt, used_usdt)


def net_of_fee(size: Decimal, taker_fee: Decimal) -> Decimal:
    """Return what to ask the exchange for, so that this and the fee on top of it stay within *size*."""
    # In the default context a fee below 1E-28 would vanish, and then be charged all the same.
    return CAREFUL.divide(size, CAREFUL.add(1, taker_fee)).quantize(CENT, context=CAREFUL)


def _is_amount(value: Decimal) -> bool:
    """Tell whether *value* can be compared at all (NaN cannot), is positive, and is of a size that money has."""
    return value.is_finite() and 0 < value < _AMOUNT_MAX
