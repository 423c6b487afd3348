"""How much may be spent, in whole cents and never one more."""

from decimal import ROUND_DOWN, Context, Decimal, localcontext
from typing import Final

CENT: Final = Decimal("0.01")
CAREFUL: Final = Context(prec=60, rounding=ROUND_DOWN)
"""Room for a price times a quantity without rounding, and quotients that never come out too large."""


def order_size(order_usdt: Decimal | None, max_trade_usdt: Decimal) -> Decimal | None:
    """Return what to spend on one listing, fee included; None where the limits leave nothing."""
    wanted = max_trade_usdt if order_usdt is None else order_usdt
    if not (_is_amount(wanted) and _is_amount(max_trade_usdt)):
        return None
    size = min(wanted, max_trade_usdt).quantize(CENT, ROUND_DOWN)
    return size if size > 0 else None


def fits(size: Decimal, committed_usdt: Decimal, max_position_usdt: Decimal) -> bool:
    """Tell whether *size* may be spent beside what is already reserved or filled."""
    if not (_is_amount(size) and _is_amount(max_position_usdt) and committed_usdt.is_finite()):
        return False
    return committed_usdt >= 0 and committed_usdt + size <= max_position_usdt


def net_of_fee(size: Decimal, taker_fee: Decimal) -> Decimal:
    """Return what to ask the exchange for, so that this and the fee on top of it stay within *size*."""
    # In the default context a fee below 1E-28 would vanish, and then be charged all the same.
    with localcontext(CAREFUL):
        return (size / (1 + taker_fee)).quantize(CENT)


def _is_amount(value: Decimal) -> bool:
    """Tell whether *value* can be compared at all (NaN cannot) and is positive."""
    return value.is_finite() and value > 0
