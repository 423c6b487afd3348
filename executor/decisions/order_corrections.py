"""Corrections of an order request: to another price, to rules that were read again, to more or less money. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_UP, Decimal, localcontext
from typing import Final

from executor.model import CAREFUL, Reason, Refusal
from executor.pricing import (
    cut,
    decimals_of,
    is_plausible,
    notional_of,
    notional_refusal,
    precision_of_bids,
    price_decimals,
    quantity_max,
    round_price,
    round_to_step,
    size_refusal,
    tradable_quantity,
    with_usable_maxima,
)
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest, order_params, plain
from shared.mexc.payloads import Level

_NO_RULES: Final = TradingRules()
_CENTS: Final = 2


def repriced(
    request: OrderRequest, limit: Decimal | None, rules: TradingRules | None, target: Decimal | None = None
) -> OrderRequest | Refusal:
    """Return *request* at *limit*: a purchase for less, and no more money than before; a sale for more.

    *target* is the money that the purchase spends where the price holds, net of the fee; without one, all it may.
    """
    if request.price is None or request.quantity is None or limit is None or not is_plausible(limit):
        return Refusal(Reason.PRICE_REFUSED)
    rules, is_buy = rules or _NO_RULES, request.side is Side.BUY
    with localcontext(CAREFUL):
        decimals = price_decimals(request.price, rules)
        price = round_price(limit, decimals, rules, ROUND_DOWN if is_buy else ROUND_UP)
        if not (0 < price < request.price if is_buy else price > request.price):
            return Refusal(Reason.PRICE_REFUSED, f"{plain(limit)} at {'most' if is_buy else 'least'}")
        quantity = request.quantity
        if is_buy:
            decimals = decimals_of(quantity) if rules.base_precision is None else rules.base_precision
            quantity = cut(_quantity_at(request.price * quantity, quantity, price, target), decimals)
        return size_refusal(quantity, price, rules) or replace(request, price=price, quantity=quantity)


def fitted_to_rules(
    request: OrderRequest, money: Decimal, rules: TradingRules, target: Decimal | None = None
) -> OrderRequest | Refusal:
    """Return *request* in the digits and bounds of *rules* that were read again.

    It is no dearer, for *money* at most, and sells no more coins. The *target* is that of `repriced`. Return a refusal
    where the rules do not explain why it was refused.
    """
    if request.price is None or request.quantity is None:
        least, most = rules.quote_amount_min_market, rules.quote_amount_max_market
        return notional_refusal(notional_of(request), least, most) or Refusal(Reason.SIZE_REFUSED)
    is_buy, rules = request.side is Side.BUY, _without_added_digits(rules, request.price, request.quantity)
    with localcontext(CAREFUL):
        rules = rules if is_buy else with_usable_maxima(rules, request.price)
        decimals = price_decimals(request.price, rules)
        price = round_price(request.price, decimals, rules, ROUND_DOWN if is_buy else ROUND_UP)
        if price <= 0:
            return Refusal(Reason.PRICE_REFUSED, "it rounds to nought")
        wanted = request.quantity
        if is_buy:
            wanted = _quantity_at(request.price * request.quantity, request.quantity, price, target)
        quantity = tradable_quantity(min(wanted, quantity_max(price, rules)), rules)
        if quantity is None:
            return Refusal(Reason.RULES_UNKNOWN)
        if is_buy:
            quantity = _raised_to_minimum(quantity, price, money, rules)
        fitted = replace(request, price=price, quantity=quantity) if quantity > 0 else request
        # Compared as text: an exchange may refuse digits behind the point even where they are zeros.
        is_same = order_params(fitted) == order_params(request)
        return size_refusal(quantity, price, rules) or (Refusal(Reason.SIZE_REFUSED) if is_same else fitted)


def coarsened(request: OrderRequest, rules: TradingRules | None, bids: Sequence[Level]) -> OrderRequest | Refusal:
    """Return the sale *request* with no more digits than *bids* have, nor than *rules* allow.

    It is no cheaper and for no more coins; where it was no dearer than one of *bids*, it still is not. Return a refusal
    where fewer digits do not help.
    """
    if request.price is None or request.quantity is None or request.quantity <= 0:
        return Refusal(Reason.SIZE_REFUSED)
    rules, shown = rules or _NO_RULES, precision_of_bids(bids, request.quantity)
    base = [each for each in (shown.base_precision, rules.base_precision) if each is not None]
    quote = [each for each in (shown.quote_precision, rules.quote_precision) if each is not None]
    coarser = rules.model_copy(update={"base_precision": min(base), "quote_precision": min(quote)})
    fitted = fitted_to_rules(request, Decimal(0), coarser)
    return Refusal(Reason.SIZE_REFUSED) if isinstance(fitted, Refusal) else fitted


def cut_to_money(request: OrderRequest, money: Decimal, rules: TradingRules | None) -> OrderRequest | Refusal:
    """Return the purchase *request* for *money* at most, which is net of the fee: that may have turned out higher.

    Return a refusal where the exchange would not take the rest.
    """
    with localcontext(CAREFUL):
        if request.side is not Side.BUY or notional_of(request) <= money:
            return request
        rules = rules or _NO_RULES
        if request.price is None or request.quantity is None:
            least = rules.quote_amount_min_market
            return notional_refusal(money, least, None) or replace(request, quote_order_qty=money)
        quantity = cut(money / request.price, decimals_of(request.quantity))
        quantity = round_to_step(quantity, rules.base_quantity_step, ROUND_DOWN)
        outside = size_refusal(quantity, request.price, rules)
        if outside is not None and outside.reason is Reason.BELOW_MINIMUM:
            return outside
        return replace(request, quantity=quantity)


def resized(request: OrderRequest, notional_min: Decimal | None, money: Decimal) -> OrderRequest | Refusal:
    """Return the purchase *request* for the least the exchange takes, where that is more and within *money*.

    *money* is the order's, net of the fee.
    """
    if request.side is not Side.BUY or notional_min is None or not is_plausible(notional_min):
        return Refusal(Reason.SIZE_REFUSED)
    with localcontext(CAREFUL):
        if request.price is None or request.quantity is None:
            larger = replace(request, quantity=None, quote_order_qty=cut(notional_min, _CENTS, ROUND_UP))
        else:
            quantity = cut(notional_min / request.price, decimals_of(request.quantity), ROUND_UP)
            larger = replace(request, quantity=quantity)
        if notional_of(larger) > money:
            return Refusal(Reason.BELOW_MINIMUM, f"{plain(notional_min)} of the quote asset")
        return larger if notional_of(larger) > notional_of(request) else Refusal(Reason.SIZE_REFUSED)


def _quantity_at(notional: Decimal, quantity: Decimal, price: Decimal, target: Decimal | None) -> Decimal:
    """Return how many coins a purchase over *quantity* is for at a lower cap, *price*: no more than *notional* pays.

    The quantity that buys the *target* at the reference price stays, unless the cap is below that price by now.
    """
    affordable = notional / price
    return affordable if target is None else min(affordable, max(quantity, target / price))


def _raised_to_minimum(quantity: Decimal, price: Decimal, money: Decimal, rules: TradingRules) -> Decimal:
    """Return *quantity*, or the least that the exchange takes at *price* where *money* pays for it."""
    if not rules.quote_amount_min or not quantity * price < rules.quote_amount_min <= money:
        return quantity
    larger = cut(rules.quote_amount_min / price, decimals_of(quantity), ROUND_UP)
    return larger if larger * price <= money else quantity


def _without_added_digits(rules: TradingRules, price: Decimal, quantity: Decimal) -> TradingRules:
    """Return *rules* with no more digits than either number has: to add some explains no refusal."""
    quote = min(decimals_of(price), price_decimals(price, rules))
    base = min(decimals_of(quantity), decimals_of(quantity) if rules.base_precision is None else rules.base_precision)
    return rules.model_copy(update={"quote_precision": quote, "base_precision": base})
