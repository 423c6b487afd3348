"""Credible figures of an order's fill: what no fill of it can have shown is no figure, wherever it came from. Pure."""

from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Final

import msgspec

from executor.model import CAREFUL, Order
from executor.pricing.symbol_bounds import is_plausible
from shared.mexc.orders.order_reports import OrderReport, TradeReport

APART_MAX: Final = 2
"""So many times what was ordered, in coins or in money, is no fill of it: rounding and slippage are far less."""
SOLD_ABOVE_MAX: Final = 1_000
"""So many times its least price is no price of a sale."""
FEE_SHARE_MAX: Final = Decimal("0.1")
"""More of a trade is neither fee nor rebate."""
SMALL_VALUE: Final = Decimal(1)
"""In the quote asset. The fee of less is mostly rounding."""

_ROUNDING: Final = Decimal("1E-6")
"""By how much of it the value of an order and that of its trades may differ: each trade's is rounded."""


def credible_quantity(order: Order, quantity: Decimal | None) -> Decimal | None:
    """Return the executed *quantity*; None where *order* cannot have got so much, or it is no number to reckon with."""
    if not quantity:
        return quantity
    wanted = order.requested_qty if order.base_qty is None else order.base_qty
    is_too_much = wanted is not None and quantity > wanted * APART_MAX
    return None if is_too_much or not is_plausible(quantity) else quantity


def credible_value(order: Order, value: Decimal | None) -> Decimal | None:
    """Return the *value* of what was executed, in the quote asset; None where it cannot be that of *order*."""
    if not value:
        return value
    most = _value_max(order)
    return None if (most is not None and value > most) or not is_plausible(value) else value


def credible_report(order: Order, report: OrderReport) -> OrderReport:
    """Return *report* without the figures that cannot be those of *order*."""
    return msgspec.structs.replace(
        report,
        executed_quantity=credible_quantity(order, report.executed_quantity),
        executed_value=credible_value(order, report.executed_value),
    )


def credible_trades(order: Order, trades: Sequence[TradeReport]) -> Sequence[TradeReport]:
    """Return *trades* of *order* without those that cannot be; none where all of them together are too much."""
    credible = [
        trade
        for trade in trades
        if credible_quantity(order, trade.quantity) and credible_value(order, trade.quote_quantity)
    ]
    quantity, value = sums(credible)
    return credible if credible_quantity(order, quantity) and credible_value(order, value) else []


def names_its_fee(order: Order, trade: TradeReport) -> bool:
    """Return whether the commission of *trade* is a figure: neither missing nor more than any fee or rebate."""
    if trade.commission is None:
        return False
    listing, fee = order.listing, abs(trade.commission)
    charged = {listing.base_asset: trade.quantity, listing.quote_asset: trade.quote_quantity}
    of = charged.get(trade.commission_asset or listing.quote_asset)
    if of is None or not fee:
        return not fee or is_plausible(fee)
    with localcontext(CAREFUL):
        return fee < of if trade.quote_quantity < SMALL_VALUE else fee <= of * FEE_SHARE_MAX


def sums(trades: Sequence[TradeReport]) -> tuple[Decimal, Decimal]:
    """Return the quantity and the value of *trades*."""
    with localcontext(CAREFUL):
        quantity = sum((trade.quantity for trade in trades), Decimal(0))
        return quantity, sum((trade.quote_quantity for trade in trades), Decimal(0))


def add_up(report: OrderReport, trades: Sequence[TradeReport]) -> bool:
    """Return whether *trades* are all of *report*."""
    quantity, value = sums(trades)
    if report.executed_quantity is None or report.executed_value is None or quantity != report.executed_quantity:
        return False
    return abs(value - report.executed_value) <= report.executed_value * _ROUNDING


def _value_max(order: Order) -> Decimal | None:
    if order.base_qty is None:
        return order.quote_qty * APART_MAX or None
    if order.price_min is None:
        return None
    with localcontext(CAREFUL):
        return order.price_min * order.base_qty * SOLD_ABOVE_MAX
