"""What exactly is sent: orders as the exchange takes them, within the money or the coins of the decision."""

from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_UP, Decimal, localcontext
from typing import Final

from executor.limits import CAREFUL, net_of_fee
from executor.market import Market, gate
from executor.order import Order
from executor.paper import is_plausible
from executor.reasons import Reason
from executor.settings import ExecutorSettings
from executor.strategy import Refuse
from shared.events import Side, TradingRules
from shared.mexc.trading import OrderRequest, plain

_NO_RULES: Final = TradingRules()
_LEFT_OVER_MAX: Final = Decimal("0.01")
"""The share that may be lost to whole coins, where nobody says in which fractions a coin is traded."""
_DECIMALS_MAX: Final = 30
_CENTS: Final = 2


def buy_request(
    order: Order, market: Market, rules: TradingRules | None, settings: ExecutorSettings
) -> OrderRequest | Refuse:
    """Return the request that spends what *order* may, fee included, or why there is none."""
    rules = rules or _NO_RULES
    with localcontext(CAREFUL):
        price_max = _price_max(market.reference, rules, settings.slippage_pct)
        money = net_of_fee(order.quote_qty, settings.taker_fee)
        if settings.entry == "capped" and price_max is None:
            return Refuse(Reason.NO_PRICE)
        shut = gate(market, price_max, settings)
        if shut is not None:
            return shut
        if settings.entry == "capped" and price_max is not None:
            return _capped(order, price_max, money / price_max, rules, settings)
        return _at_any_price(order, money, rules, settings)


def sell_request(
    order: Order, best_bid: Decimal | None, rules: TradingRules | None, settings: ExecutorSettings
) -> OrderRequest | Refuse:
    """Return the request that sells the coins of *order*, or why there is none; BELOW_MINIMUM is dust."""
    rules = rules or _NO_RULES
    if best_bid is None or not is_plausible(best_bid):
        return Refuse(Reason.NO_LIQUIDITY)
    if order.base_qty is None or not is_plausible(order.base_qty):
        return Refuse(Reason.BELOW_MINIMUM, "there is nothing to sell")
    with localcontext(CAREFUL):
        lowest = best_bid * (1 - settings.exit_slippage_pct / 100)
        price = _cut(lowest, _price_decimals(best_bid, rules), ROUND_UP)
        return _capped(order, price, order.base_qty, rules, settings)


def repriced(request: OrderRequest, price_max: Decimal | None, rules: TradingRules | None) -> OrderRequest | Refuse:
    """Return the purchase *request* at a price the exchange takes: a lower one, for no more money than before."""
    if request.side is not Side.BUY or request.price is None or request.quantity is None or price_max is None:
        return Refuse(Reason.PRICE_REFUSED)
    if not is_plausible(price_max):
        return Refuse(Reason.PRICE_REFUSED)
    with localcontext(CAREFUL):
        price = _cut(price_max, _decimals(request.price))
        if not 0 < price < request.price:
            return Refuse(Reason.PRICE_REFUSED, f"{plain(price_max)} at most")
        quantity = _cut(request.price * request.quantity / price, _decimals(request.quantity))
        return _outside(quantity, price, rules or _NO_RULES) or replace(request, price=price, quantity=quantity)


def resized(request: OrderRequest, notional_min: Decimal | None, money: Decimal) -> OrderRequest | Refuse:
    """Return the purchase *request* for the least the exchange takes, where that is more and within *money*.

    *money* is the order's, net of the fee.
    """
    if request.side is not Side.BUY or notional_min is None or not is_plausible(notional_min):
        return Refuse(Reason.SIZE_REFUSED)
    with localcontext(CAREFUL):
        larger = _worth(request, notional_min)
        if _notional(larger) > money:
            return Refuse(Reason.BELOW_MINIMUM, f"{plain(notional_min)} of the quote asset")
        return larger if _notional(larger) > _notional(request) else Refuse(Reason.SIZE_REFUSED)


def _at_any_price(
    order: Order, money: Decimal, rules: TradingRules, settings: ExecutorSettings
) -> OrderRequest | Refuse:
    if money <= 0:
        return Refuse(Reason.BELOW_MINIMUM, "there is nothing to spend")
    outside = _outside_notional(money, rules.quote_amount_min_market, rules.quote_amount_max_market)
    return outside or OrderRequest(
        symbol=order.symbol,
        side=order.side,
        type="MARKET",
        client_order_id=order.client_order_id,
        quote_order_qty=money,
        recv_window_ms=settings.recv_window_ms,
    )


def _capped(
    order: Order, price: Decimal, quantity: Decimal, rules: TradingRules, settings: ExecutorSettings
) -> OrderRequest | Refuse:
    cut = _tradable(quantity, rules)
    if cut is None:
        return Refuse(Reason.RULES_UNKNOWN, "nobody knows in which fractions the coin is traded")
    return _outside(cut, price, rules) or OrderRequest(
        symbol=order.symbol,
        side=order.side,
        type="IMMEDIATE_OR_CANCEL",
        client_order_id=order.client_order_id,
        quantity=cut,
        price=price,
        recv_window_ms=settings.recv_window_ms,
    )


def _price_max(reference: Decimal | None, rules: TradingRules, slippage_pct: Decimal) -> Decimal | None:
    """Return the most to pay for a coin; None where nothing tells."""
    if reference is None or not is_plausible(reference):
        return None
    price = _cut(reference * (1 + slippage_pct / 100), _price_decimals(reference, rules))
    return price if price > 0 else None


def _tradable(quantity: Decimal, rules: TradingRules) -> Decimal | None:
    """Return what of *quantity* can be traded; None where that is not known and whole coins would lose too much."""
    if rules.base_precision is not None:
        return _cut(quantity, rules.base_precision)
    whole = _cut(quantity, 0)
    return whole if quantity - whole < quantity * _LEFT_OVER_MAX else None


def _outside(quantity: Decimal, price: Decimal, rules: TradingRules) -> Refuse | None:
    if quantity <= 0 or quantity < (rules.base_quantity_min or 0):
        least = max(rules.base_quantity_min or Decimal(0), Decimal(1).scaleb(-(rules.base_precision or 0)))
        return Refuse(Reason.BELOW_MINIMUM, f"{plain(least)} of the coin")
    return _outside_notional(quantity * price, rules.quote_amount_min, rules.quote_amount_max)


def _outside_notional(notional: Decimal, least: Decimal | None, most: Decimal | None) -> Refuse | None:
    if least is not None and notional < least:
        return Refuse(Reason.BELOW_MINIMUM, f"{plain(least)} of the quote asset")
    if most is not None and notional > most:
        return Refuse(Reason.ABOVE_MAXIMUM, f"{plain(most)} of the quote asset")
    return None


def _worth(request: OrderRequest, notional: Decimal) -> OrderRequest:
    """Return *request* for *notional*, or as little more as can be asked for."""
    if request.price is None or request.quantity is None:
        return replace(request, quantity=None, quote_order_qty=_cut(notional, _CENTS, ROUND_UP))
    return replace(request, quantity=_cut(notional / request.price, _decimals(request.quantity), ROUND_UP))


def _notional(request: OrderRequest) -> Decimal:
    if request.price is None or request.quantity is None:
        return request.quote_order_qty or Decimal(0)
    return request.price * request.quantity


def _price_decimals(known: Decimal, rules: TradingRules) -> int:
    """Return how many decimals a price has; where the exchange does not say, as many as a *known* price."""
    return _decimals(known) if rules.quote_precision is None else rules.quote_precision


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return min(max(0, -exponent), _DECIMALS_MAX)


def _cut(number: Decimal, decimals: int, rounding: str = ROUND_DOWN) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-decimals), rounding)
