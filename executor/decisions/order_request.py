"""Order requests as the exchange takes them, within the money or the coins of the decision. Pure."""

from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Final

from executor.decisions.limits import net_of_fee
from executor.decisions.market_filters import MarketSnapshot, filter_refusal
from executor.model import CAREFUL, Order, Reason, Refusal
from executor.pricing import (
    band_of,
    final_price,
    is_plausible,
    notional_refusal,
    price_decimals,
    quantity_max,
    round_price,
    sale_price,
    size_refusal,
    tradable_quantity,
    with_usable_maxima,
)
from executor.settings import ExecutorSettings
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest

_NO_RULES: Final = TradingRules()


def buy_request(
    order: Order, market: MarketSnapshot, rules: TradingRules | None, settings: ExecutorSettings, fee: Decimal
) -> OrderRequest | Refusal:
    """Return the request that spends the money of *order*, the *fee* included, or why there is none.

    A capped one is for as many coins as its target buys at the reference price, and costs no more than was reserved
    where all of them are bought at the cap.
    """
    rules = rules or _NO_RULES
    with localcontext(CAREFUL):
        bound = order.price_max if order.attempt > 1 else None
        price_max = _price_max(market, rules, order.slippage_pct, bound)
        money = net_of_fee(order.quote_qty, fee)
        if settings.entry == "capped" and price_max is None:
            return Refusal(Reason.NO_PRICE)
        filtered = filter_refusal(market, price_max, settings)
        if filtered is not None:
            return filtered
        if settings.entry == "capped" and price_max is not None:
            at = price_max if market.reference is None else min(market.reference, price_max)
            quantity = min(money / price_max, target_of(order, settings, fee) / at)
            return _limit_request(order, price_max, quantity, rules, settings)
        return _market_request(order, money, rules, settings)


def target_of(order: Order, settings: ExecutorSettings, fee: Decimal) -> Decimal:
    """Return the money that the purchase *order* is to spend where the price holds, net of the *fee*.

    Its reservation is more.
    """
    size = order.quote_qty if settings.order_usdt is None else min(order.quote_qty, settings.order_usdt)
    return net_of_fee(size, fee)


def price_bound(request: OrderRequest, reference: Decimal | None, settings: ExecutorSettings) -> Decimal | None:
    """Return the highest price of further attempts, after a first one by *request*; None where none is allowed.

    It is as far above the *reference* of the first as a run-up is followed; without that setting, the first price.
    """
    if request.side is not Side.BUY or request.price is None:
        return None
    if settings.run_up_pct_max is None or reference is None:
        return request.price
    with localcontext(CAREFUL):
        return reference * (1 + settings.run_up_pct_max / 100)


def sell_request(
    order: Order,
    best_bid: Decimal | None,
    rules: TradingRules | None,
    settings: ExecutorSettings,
    *,
    last: Decimal | None = None,
) -> OrderRequest | Refusal:
    """Return the request that sells the coins of *order*, or why there is none.

    It sells for no less than the floor that the order was committed with; without one, the best bid less the slippage.
    The exchange's price protection goes by the *last* price; where that is unknown, by the best bid.
    """
    if best_bid is None or not is_plausible(best_bid):
        return Refusal(Reason.NO_LIQUIDITY)
    if order.base_qty is None or not is_plausible(order.base_qty):
        return Refusal(Reason.BELOW_MINIMUM, "there is nothing to sell")
    with localcontext(CAREFUL):
        rules = with_usable_maxima(rules or _NO_RULES, best_bid)
        wish = best_bid * (1 - settings.exit_slippage_pct / 100) if order.price_min is None else order.price_min
        lowest = final_price(Side.SELL, wish, band_of(rules, best_bid if last is None else last))
        price = sale_price(lowest, best_bid, rules)
        return _limit_request(order, price, order.base_qty, rules, settings)


def _market_request(
    order: Order, money: Decimal, rules: TradingRules, settings: ExecutorSettings
) -> OrderRequest | Refusal:
    if money <= 0:
        return Refusal(Reason.BELOW_MINIMUM, "there is nothing to spend")
    outside = notional_refusal(money, rules.quote_amount_min_market, rules.quote_amount_max_market)
    return outside or OrderRequest(
        symbol=order.symbol,
        side=order.side,
        type="MARKET",
        client_order_id=order.sent_as,
        quote_order_qty=money,
        recv_window_ms=settings.recv_window_ms,
    )


def _limit_request(
    order: Order, price: Decimal, quantity: Decimal, rules: TradingRules, settings: ExecutorSettings
) -> OrderRequest | Refusal:
    if order.side is Side.SELL:  # The rest is sold next.
        quantity = min(quantity, quantity_max(price, rules))
    tradable = tradable_quantity(quantity, rules)
    if tradable is None:
        return Refusal(Reason.RULES_UNKNOWN, "the precision of the coin is unknown")
    return size_refusal(tradable, price, rules) or OrderRequest(
        symbol=order.symbol,
        side=order.side,
        type="IMMEDIATE_OR_CANCEL",
        client_order_id=order.sent_as,
        quantity=tradable,
        price=price,
        recv_window_ms=settings.recv_window_ms,
    )


def _price_max(
    market: MarketSnapshot, rules: TradingRules, slippage_pct: Decimal, bound: Decimal | None
) -> Decimal | None:
    """Return the most to pay for a coin, *bound* where that is less; None without a reference price."""
    reference = market.reference
    if reference is None or not is_plausible(reference):
        return None
    band = band_of(rules, reference if market.last is None else market.last)
    wish = reference * (1 + slippage_pct / 100)
    highest = final_price(Side.BUY, wish if bound is None else min(wish, bound), band)
    price = round_price(highest, price_decimals(reference, rules, highest), rules, ROUND_DOWN)
    return price if price > 0 else None
