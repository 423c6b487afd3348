"""Limits of spending, in whole cents and never one more, and of the order rate. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Final

from executor.model import CAREFUL, CENT, Reason
from executor.settings import LimitSettings
from shared.events import AppliedConfig, ListingKey

MINUTE: Final = timedelta(minutes=1)
_HUNDRED: Final = Decimal(100)
_AMOUNT_MAX: Final = Decimal(10) ** 15
"""No limit can be set this high; a greater number is an error."""
_WINDOW: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class LimitUsage:
    """The usage of the limits of one mode: its exposure, and its recent orders."""

    committed_usdt: Decimal
    """Reserved, or spent on positions that are still open."""
    recent_orders: Sequence[datetime]
    """Decision times of the latest orders, at least as many as are allowed in a minute."""
    day_orders: int
    """Decided on since midnight in UTC."""
    day_spent_usdt: Decimal
    """By those orders, also where it was sold or released since."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one mode."""

    max_position_usdt: Decimal
    orders_per_minute: int
    orders_per_day: int
    daily_spend_usdt: Decimal


def limits_of(applied: AppliedConfig, settings: LimitSettings) -> Limits:
    """Return the limits of the configuration and of the settings."""
    return Limits(
        max_position_usdt=applied.max_position_usdt,
        orders_per_minute=settings.orders_per_minute,
        orders_per_day=settings.orders_per_day,
        daily_spend_usdt=settings.daily_spend_usdt,
    )


def order_size(order_usdt: Decimal | None, max_trade_usdt: Decimal) -> Decimal | None:
    """Return the amount for one listing where the price holds, fee included; None where the limits leave nothing."""
    wanted = max_trade_usdt if order_usdt is None else order_usdt
    if not (_is_amount(wanted) and _is_amount(max_trade_usdt)):
        return None
    size = min(wanted, max_trade_usdt).quantize(CENT, context=CAREFUL)
    return size if size > 0 else None


def reservation(
    size: Decimal, slippage_pct: Decimal, max_trade_usdt: Decimal, usage: LimitUsage, limits: Limits
) -> Decimal:
    """Return the reservation of an order of *size* at the reference price: its cost at its cap.

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


def exceeded_limit(size: Decimal, usage: LimitUsage, limits: Limits, now: datetime) -> Reason | None:
    """Return the limit that an order of *size* would exceed; None where it exceeds none.

    A number that cannot be compared exceeds its limit.
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
    """Return whether *size* fits into the limit beside *used_usdt*."""
    if not (_is_amount(size) and _is_amount(limit_usdt) and used_usdt.is_finite() and used_usdt >= 0):
        return False
    # Unlike a sum, the difference is never rounded up, and comparing does not round.
    return size <= CAREFUL.subtract(limit_usdt, used_usdt)


def net_of_fee(size: Decimal, taker_fee: Decimal) -> Decimal:
    """Return the amount to request, so that it and the fee on top of it stay within *size*."""
    # In the default context a fee below 1E-28 would vanish, and then be charged all the same.
    return CAREFUL.divide(size, CAREFUL.add(1, taker_fee)).quantize(CENT, context=CAREFUL)


def _is_amount(value: Decimal) -> bool:
    """Return whether *value* can be compared at all (NaN cannot), is positive, and below any amount of money."""
    return value.is_finite() and 0 < value < _AMOUNT_MAX


class MassListing:
    """Counts listings that would be bought, over the last minute, each once however often it is delivered."""

    def __init__(self, per_minute_max: int) -> None:
        self._per_minute_max = per_minute_max
        self._latest: dict[ListingKey, datetime] = {}

    def counts_too_many(self, key: ListingKey, now: datetime) -> bool:
        """Count the listing *key*; return whether that makes more of them than are plausible."""
        if not self._is_recent(key, now):
            self._latest[key] = now
        if len(self._latest) > self._per_minute_max:  # Until then nothing need be forgotten.
            self._latest = {each: at for each, at in self._latest.items() if self._is_recent(each, now)}
        return len(self._latest) > self._per_minute_max

    def _is_recent(self, key: ListingKey, now: datetime) -> bool:
        # A clock that stepped back keeps its counts, which only halts sooner.
        return key in self._latest and now - self._latest[key] < _WINDOW
