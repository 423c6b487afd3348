"""Bounds of an order's size by the rules of its symbol. Pure."""

from decimal import ROUND_DOWN, Decimal, localcontext

from executor.model.money import CAREFUL
from executor.model.reasons import Reason, Refusal
from executor.pricing.precision import price_decimals, round_price, tradable_quantity
from shared.events import TradingRules
from shared.mexc.orders.order_api import OrderRequest, plain


def rules_violation(request: OrderRequest, rules: TradingRules) -> Refusal | None:
    """Return why *rules* forbid *request* as it stands, by its digits or its size; None where they do not."""
    if request.price is None or request.quantity is None:
        least, most = rules.quote_amount_min_market, rules.quote_amount_max_market
        return None if request.quote_order_qty is None else notional_refusal(request.quote_order_qty, least, most)
    with localcontext(CAREFUL):
        price = round_price(request.price, price_decimals(request.price, rules), rules, ROUND_DOWN)
        is_in_steps = rules.base_precision is None or tradable_quantity(request.quantity, rules) == request.quantity
        if price != request.price or not is_in_steps:
            return Refusal(Reason.SIZE_REFUSED, "more digits than the symbol has")
        return size_refusal(request.quantity, request.price, rules)


def size_refusal(quantity: Decimal, price: Decimal, rules: TradingRules) -> Refusal | None:
    """Return why *quantity* at *price* is outside the bounds of *rules*; None where it is inside."""
    if quantity <= 0 or quantity < (rules.base_quantity_min or 0):
        least = max(rules.base_quantity_min or Decimal(0), Decimal(1).scaleb(-(rules.base_precision or 0)))
        return Refusal(Reason.BELOW_MINIMUM, f"{plain(least)} of the coin")
    if rules.base_quantity_max is not None and quantity > rules.base_quantity_max:
        return Refusal(Reason.ABOVE_MAXIMUM, f"{plain(rules.base_quantity_max)} of the coin")
    return notional_refusal(quantity * price, rules.quote_amount_min, rules.quote_amount_max)


def notional_refusal(notional: Decimal, least: Decimal | None, most: Decimal | None) -> Refusal | None:
    """Return why *notional* is below *least* or above *most*; None where it is neither."""
    if least is not None and notional < least:
        return Refusal(Reason.BELOW_MINIMUM, f"{plain(least)} of the quote asset")
    if most is not None and notional > most:
        return Refusal(Reason.ABOVE_MAXIMUM, f"{plain(most)} of the quote asset")
    return None


def notional_of(request: OrderRequest) -> Decimal:
    """Return the money that *request* spends or brings at its price."""
    if request.price is None or request.quantity is None:
        return request.quote_order_qty or Decimal(0)
    return request.price * request.quantity
