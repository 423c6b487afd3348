"""What exactly is sent: orders as the exchange takes them, within the money or the coins of the decision."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_UP, Decimal, localcontext
from typing import Final

from executor.decisions.limits import net_of_fee
from executor.decisions.market_filters import Market, gate
from executor.model.money import CAREFUL
from executor.model.order import Order
from executor.model.reasons import Reason, Refusal
from executor.pricing.fill_simulation import is_plausible
from executor.pricing.price_band import band_of, final_price
from executor.settings import ExecutorSettings
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest, order_params, plain
from shared.mexc.payloads import Level

_NO_RULES: Final = TradingRules()
_LEFT_OVER_MAX: Final = Decimal("0.01")
"""The share that may be lost to whole coins, where nobody says in which fractions a coin is traded."""
_ROUNDED_OFF_MAX: Final = Decimal("0.5")
"""The share of the slippage that may be lost to the last digit of a price, where nobody says how many it has. With too
few an order buys nothing; too many are refused, and corrected by the rules."""
_DECIMALS_MAX: Final = 30
_CENTS: Final = 2


def buy_request(
    order: Order, market: Market, rules: TradingRules | None, settings: ExecutorSettings, fee: Decimal
) -> OrderRequest | Refusal:
    """Return the request that spends what *order* is to, the *fee* included, or why there is none.

    A capped one is for as many coins as its target buys at the reference price, and costs no more than was reserved
    where all of them are bought at the cap.
    """
    rules = rules or _NO_RULES
    with localcontext(CAREFUL):
        price_max = _price_max(market, rules, order.slippage_pct, _bound(order))
        money = net_of_fee(order.quote_qty, fee)
        if settings.entry == "capped" and price_max is None:
            return Refusal(Reason.NO_PRICE)
        shut = gate(market, price_max, settings)
        if shut is not None:
            return shut
        if settings.entry == "capped" and price_max is not None:
            at = price_max if market.reference is None else min(market.reference, price_max)
            quantity = min(money / price_max, target_of(order, settings, fee) / at)
            return _capped(order, price_max, quantity, rules, settings)
        return _at_any_price(order, money, rules, settings)


def target_of(order: Order, settings: ExecutorSettings, fee: Decimal) -> Decimal:
    """Return what the purchase *order* is to spend where the price holds, net of the *fee*; its reservation is more."""
    size = order.quote_qty if settings.order_usdt is None else min(order.quote_qty, settings.order_usdt)
    return net_of_fee(size, fee)


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
    The exchange's price protection goes by the *last* price; where that is not known, by the best bid.
    """
    rules = rules or _NO_RULES
    if best_bid is None or not is_plausible(best_bid):
        return Refusal(Reason.NO_LIQUIDITY)
    if order.base_qty is None or not is_plausible(order.base_qty):
        return Refusal(Reason.BELOW_MINIMUM, "there is nothing to sell")
    with localcontext(CAREFUL):
        wish = best_bid * (1 - settings.exit_slippage_pct / 100) if order.price_min is None else order.price_min
        lowest = final_price(Side.SELL, wish, band_of(rules, best_bid if last is None else last))
        price = _priced(lowest, _price_decimals(best_bid, rules, lowest), rules, ROUND_UP)
        return _capped(order, price, order.base_qty, rules, settings)


def repriced(
    request: OrderRequest, limit: Decimal | None, rules: TradingRules | None, target: Decimal | None = None
) -> OrderRequest | Refusal:
    """Return *request* at *limit*: a purchase for less, and no more money than before; a sale for more.

    *target* is what the purchase is to spend where the price holds, net of the fee; without one, all it may.
    """
    if request.price is None or request.quantity is None or limit is None or not is_plausible(limit):
        return Refusal(Reason.PRICE_REFUSED)
    rules, is_buy = rules or _NO_RULES, request.side is Side.BUY
    with localcontext(CAREFUL):
        price = _priced(limit, _price_decimals(request.price, rules), rules, ROUND_DOWN if is_buy else ROUND_UP)
        if not (0 < price < request.price if is_buy else price > request.price):
            return Refusal(Reason.PRICE_REFUSED, f"{plain(limit)} at {'most' if is_buy else 'least'}")
        quantity = request.quantity
        if is_buy:
            decimals = _decimals(quantity) if rules.base_precision is None else rules.base_precision
            quantity = _cut(_worth_as_much(request.price * quantity, quantity, price, target), decimals)
        return _outside(quantity, price, rules) or replace(request, price=price, quantity=quantity)


def fitted(
    request: OrderRequest, money: Decimal, rules: TradingRules, target: Decimal | None = None
) -> OrderRequest | Refusal:
    """Return *request* as *rules* that were read again want it: no dearer, for *money* at most, no more coins sold.

    The *target* is that of `repriced`. Refusal where they do not explain why it was refused.
    """
    if request.price is None or request.quantity is None:
        least, most = rules.quote_amount_min_market, rules.quote_amount_max_market
        return _outside_notional(_notional(request), least, most) or Refusal(Reason.SIZE_REFUSED)
    is_buy, rules = request.side is Side.BUY, _no_finer(rules, request.price, request.quantity)
    with localcontext(CAREFUL):
        decimals = _price_decimals(request.price, rules)
        price = _priced(request.price, decimals, rules, ROUND_DOWN if is_buy else ROUND_UP)
        if price <= 0:
            return Refusal(Reason.PRICE_REFUSED, "it rounds to nought")
        wanted = request.quantity
        if is_buy:
            wanted = _worth_as_much(request.price * request.quantity, request.quantity, price, target)
        cut = _tradable(min(wanted, _most(price, rules)), rules)
        if cut is None:
            return Refusal(Reason.RULES_UNKNOWN)
        if is_buy and rules.quote_amount_min and cut * price < rules.quote_amount_min <= money:
            larger = _cut(rules.quote_amount_min / price, _decimals(cut), ROUND_UP)
            cut = larger if larger * price <= money else cut
        fresh = replace(request, price=price, quantity=cut) if cut > 0 else request
        # To the letter: an exchange may refuse digits behind the point even where they are noughts.
        same = order_params(fresh) == order_params(request)
        return _outside(cut, price, rules) or (Refusal(Reason.SIZE_REFUSED) if same else fresh)


def shown_by(bids: Sequence[Level], quantity: Decimal) -> TradingRules:
    """Return the scale that *bids* show to a sale of *quantity*, of which one digit stays; there are bids."""
    with localcontext(CAREFUL):
        base = max([*(_digits_behind(each.quantity) for each in bids), -quantity.adjusted()])
        return TradingRules(
            base_precision=min(base, _DECIMALS_MAX), quote_precision=max(_digits_behind(each.price) for each in bids)
        )


def coarsened(request: OrderRequest, rules: TradingRules | None, bids: Sequence[Level]) -> OrderRequest | Refusal:
    """Return the sale *request* with no more digits than *bids* have, nor than *rules* allow.

    It is no cheaper and for no more coins; where it was no dearer than one of *bids*, it still is not. Refusal where no
    digit less helps.
    """
    if request.price is None or request.quantity is None or request.quantity <= 0:
        return Refusal(Reason.SIZE_REFUSED)
    rules, shown = rules or _NO_RULES, shown_by(bids, request.quantity)
    base = [each for each in (shown.base_precision, rules.base_precision) if each is not None]
    quote = [each for each in (shown.quote_precision, rules.quote_precision) if each is not None]
    coarser = rules.model_copy(update={"base_precision": min(base), "quote_precision": min(quote)})
    fresh = fitted(request, Decimal(0), coarser)
    return Refusal(Reason.SIZE_REFUSED) if isinstance(fresh, Refusal) else fresh


def objection(request: OrderRequest, rules: TradingRules) -> Refusal | None:
    """Return what *rules* hold against *request* as it stands: its digits or its size."""
    if request.price is None or request.quantity is None:
        least, most = rules.quote_amount_min_market, rules.quote_amount_max_market
        return None if request.quote_order_qty is None else _outside_notional(request.quote_order_qty, least, most)
    with localcontext(CAREFUL):
        price = _priced(request.price, _price_decimals(request.price, rules), rules, ROUND_DOWN)
        is_in_steps = rules.base_precision is None or _tradable(request.quantity, rules) == request.quantity
        if price != request.price or not is_in_steps:
            return Refusal(Reason.SIZE_REFUSED, "more digits than the symbol has")
        return _outside(request.quantity, request.price, rules)


def _worth_as_much(notional: Decimal, quantity: Decimal, price: Decimal, target: Decimal | None) -> Decimal:
    """Return how many coins a purchase over *quantity* is for at a lower cap, *price*: no more than *notional* pays.

    What buys the *target* at the reference price stays, unless the cap is below that price by now.
    """
    affordable = notional / price
    return affordable if target is None else min(affordable, max(quantity, target / price))


def _no_finer(rules: TradingRules, price: Decimal, quantity: Decimal) -> TradingRules:
    """Return *rules* without digits that neither number has: to add some explains no refusal."""
    quote = min(_decimals(price), _price_decimals(price, rules))
    base = min(_decimals(quantity), _decimals(quantity) if rules.base_precision is None else rules.base_precision)
    return rules.model_copy(update={"quote_precision": quote, "base_precision": base})


def within(request: OrderRequest, money: Decimal, rules: TradingRules | None) -> OrderRequest | Refusal:
    """Return the purchase *request* for *money* at most, which is net of the fee: that may have turned out higher.

    Refusal where the exchange would not take what is left.
    """
    with localcontext(CAREFUL):
        if request.side is not Side.BUY or _notional(request) <= money:
            return request
        rules = rules or _NO_RULES
        if request.price is None or request.quantity is None:
            least = rules.quote_amount_min_market
            return _outside_notional(money, least, None) or replace(request, quote_order_qty=money)
        cut = _cut(money / request.price, _decimals(request.quantity))
        cut = _stepped(cut, rules.base_quantity_step, ROUND_DOWN)
        outside = _outside(cut, request.price, rules)
        if outside is not None and outside.reason is Reason.BELOW_MINIMUM:
            return outside
        return replace(request, quantity=cut)


def resized(request: OrderRequest, notional_min: Decimal | None, money: Decimal) -> OrderRequest | Refusal:
    """Return the purchase *request* for the least the exchange takes, where that is more and within *money*.

    *money* is the order's, net of the fee.
    """
    if request.side is not Side.BUY or notional_min is None or not is_plausible(notional_min):
        return Refusal(Reason.SIZE_REFUSED)
    with localcontext(CAREFUL):
        larger = _worth(request, notional_min)
        if _notional(larger) > money:
            return Refusal(Reason.BELOW_MINIMUM, f"{plain(notional_min)} of the quote asset")
        return larger if _notional(larger) > _notional(request) else Refusal(Reason.SIZE_REFUSED)


def _at_any_price(
    order: Order, money: Decimal, rules: TradingRules, settings: ExecutorSettings
) -> OrderRequest | Refusal:
    if money <= 0:
        return Refusal(Reason.BELOW_MINIMUM, "there is nothing to spend")
    outside = _outside_notional(money, rules.quote_amount_min_market, rules.quote_amount_max_market)
    return outside or OrderRequest(
        symbol=order.symbol,
        side=order.side,
        type="MARKET",
        client_order_id=order.sent_as,
        quote_order_qty=money,
        recv_window_ms=settings.recv_window_ms,
    )


def _capped(
    order: Order, price: Decimal, quantity: Decimal, rules: TradingRules, settings: ExecutorSettings
) -> OrderRequest | Refusal:
    if order.side is Side.SELL:  # The rest is sold next.
        quantity = min(quantity, _most(price, rules))
    cut = _tradable(quantity, rules)
    if cut is None:
        return Refusal(Reason.RULES_UNKNOWN, "nobody knows in which fractions the coin is traded")
    return _outside(cut, price, rules) or OrderRequest(
        symbol=order.symbol,
        side=order.side,
        type="IMMEDIATE_OR_CANCEL",
        client_order_id=order.sent_as,
        quantity=cut,
        price=price,
        recv_window_ms=settings.recv_window_ms,
    )


def _bound(order: Order) -> Decimal | None:
    return order.price_max if order.attempt > 1 else None


def _price_max(market: Market, rules: TradingRules, slippage_pct: Decimal, bound: Decimal | None) -> Decimal | None:
    """Return the most to pay for a coin, *bound* where that is less; None where nothing tells."""
    reference = market.reference
    if reference is None or not is_plausible(reference):
        return None
    band = band_of(rules, reference if market.last is None else market.last)
    wish = reference * (1 + slippage_pct / 100)
    highest = final_price(Side.BUY, wish if bound is None else min(wish, bound), band)
    price = _priced(highest, _price_decimals(reference, rules, highest), rules, ROUND_DOWN)
    return price if price > 0 else None


def _priced(price: Decimal, decimals: int, rules: TradingRules, rounding: str) -> Decimal:
    return _stepped(_cut(price, decimals, rounding), rules.price_step, rounding)


def _stepped(number: Decimal, step: Decimal | None, rounding: str) -> Decimal:
    """Return *number*, or the multiple of *step* next to it."""
    if step is None or step <= 0 or not is_plausible(step) or number % step == 0:
        return number
    return (number / step).quantize(Decimal(1), rounding) * step


def _most(price: Decimal, rules: TradingRules) -> Decimal:
    """Return how many coins one order at *price* may hold."""
    bounds = [] if rules.base_quantity_max is None else [rules.base_quantity_max]
    if rules.quote_amount_max is not None:
        bounds.append(rules.quote_amount_max / price)
    return min(bounds, default=Decimal("Infinity"))


def _tradable(quantity: Decimal, rules: TradingRules) -> Decimal | None:
    """Return what of *quantity* can be traded; None where that is not known and whole coins would lose too much."""
    if rules.base_precision is not None:
        return _stepped(_cut(quantity, rules.base_precision), rules.base_quantity_step, ROUND_DOWN)
    if rules.base_quantity_step:
        return _stepped(quantity, rules.base_quantity_step, ROUND_DOWN)
    whole = _cut(quantity, 0)
    return whole if quantity - whole < quantity * _LEFT_OVER_MAX else None


def _outside(quantity: Decimal, price: Decimal, rules: TradingRules) -> Refusal | None:
    if quantity <= 0 or quantity < (rules.base_quantity_min or 0):
        least = max(rules.base_quantity_min or Decimal(0), Decimal(1).scaleb(-(rules.base_precision or 0)))
        return Refusal(Reason.BELOW_MINIMUM, f"{plain(least)} of the coin")
    if rules.base_quantity_max is not None and quantity > rules.base_quantity_max:
        return Refusal(Reason.ABOVE_MAXIMUM, f"{plain(rules.base_quantity_max)} of the coin")
    return _outside_notional(quantity * price, rules.quote_amount_min, rules.quote_amount_max)


def _outside_notional(notional: Decimal, least: Decimal | None, most: Decimal | None) -> Refusal | None:
    if least is not None and notional < least:
        return Refusal(Reason.BELOW_MINIMUM, f"{plain(least)} of the quote asset")
    if most is not None and notional > most:
        return Refusal(Reason.ABOVE_MAXIMUM, f"{plain(most)} of the quote asset")
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


def _price_decimals(known: Decimal, rules: TradingRules, wanted: Decimal | None = None) -> int:
    """Return how many decimals a price has.

    Where the exchange does not say: as many as a *known* price, which may have ended in noughts, or the few more that
    keep *wanted* apart from it.
    """
    if rules.quote_precision is not None:
        return rules.quote_precision
    decimals = _decimals(known)
    if wanted is None:
        return decimals
    lost_max = abs(wanted - known) * _ROUNDED_OFF_MAX
    while decimals < _DECIMALS_MAX and wanted - _cut(wanted, decimals) > lost_max:
        decimals += 1
    return decimals


def _decimals(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return min(max(0, -exponent), _DECIMALS_MAX)


def _digits_behind(number: Decimal) -> int:
    """Return how many decimals *number* has, without noughts at its end."""
    return _decimals(number.normalize())


def _cut(number: Decimal, decimals: int, rounding: str = ROUND_DOWN) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-decimals), rounding)
