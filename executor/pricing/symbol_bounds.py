"""Bounds of orders by the rules of a symbol: decimals and steps, an order's size, and the band of its price. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_UP, Decimal, localcontext
from typing import Final

from executor.model import CAREFUL, Reason, Refusal
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest, plain
from shared.mexc.payloads import Level

_LEFT_OVER_MAX: Final = Decimal("0.01")
"""The share of a quantity that whole coins may lose where the precision of the coin is unknown."""
_ROUNDED_OFF_MAX: Final = Decimal("0.5")
"""The share of the slippage that the last digit of a price may lose where its precision is unknown. With too few digits
an order buys nothing; with too many it is refused, and corrected by the rules."""
DECIMALS_MAX: Final = 30
_MAGNITUDE_MAX: Final = 20
STRAIGHT_AFTER: Final = 2
"""So often a refused price that no rule explains moves half the way to the last price; then all of it."""


def is_plausible(number: Decimal) -> bool:
    """Return whether *number* can be a price or a quantity: positive, and of a magnitude that can be computed with."""
    return number.is_finite() and number > 0 and abs(number.adjusted()) <= _MAGNITUDE_MAX


def round_price(price: Decimal, decimals: int, rules: TradingRules, rounding: str) -> Decimal:
    """Return *price* in so many decimals, and on the price step of *rules*."""
    return round_to_step(cut(price, decimals, rounding), rules.price_step, rounding)


def round_to_step(number: Decimal, step: Decimal | None, rounding: str) -> Decimal:
    """Return *number*, or the multiple of *step* next to it."""
    if step is None or step <= 0 or not is_plausible(step) or number % step == 0:
        return number
    return (number / step).quantize(Decimal(1), rounding) * step


def quantity_max(price: Decimal, rules: TradingRules) -> Decimal:
    """Return the most coins that one order at *price* may hold."""
    bounds = [] if rules.base_quantity_max is None else [rules.base_quantity_max]
    if rules.quote_amount_max is not None:
        bounds.append(rules.quote_amount_max / price)
    return min(bounds, default=Decimal("Infinity"))


def sale_price(lowest: Decimal, bid: Decimal, rules: TradingRules) -> Decimal:
    """Return the *lowest* price of a sale in the digits and on the step of *rules*, rounded up.

    Where that is above the best *bid*, which *lowest* is not, they are old or garbled: the digits of the bid count.
    """
    price = round_price(lowest, price_decimals(bid, rules, lowest), rules, ROUND_UP)
    return price if price <= bid or lowest > bid else cut(lowest, _significant_decimals(bid), ROUND_UP)


def with_digits_of(bid: Decimal, rules: TradingRules) -> TradingRules:
    """Return *rules* that allow a price as many digits as *bid* has, which shows that they are taken."""
    shown, step = _significant_decimals(bid), rules.price_step
    is_finer = rules.quote_precision is not None and rules.quote_precision < shown
    is_off_step = step is not None and is_plausible(step) and bid % step != 0
    finer = {"quote_precision": shown} if is_finer else {}
    return rules.model_copy(update={**finer, "price_step": None} if is_off_step else finer)


def with_usable_maxima(rules: TradingRules, price: Decimal) -> TradingRules:
    """Return *rules* without a greatest amount below the least: an exchange that takes no order at all says so."""
    least = max(rules.base_quantity_min or Decimal(0), Decimal(1).scaleb(-(rules.base_precision or 0)))
    bounds = {
        "base_quantity_max": (rules.base_quantity_max, least),
        "quote_amount_max": (rules.quote_amount_max, max(rules.quote_amount_min or Decimal(0), least * price)),
    }
    void = {name: None for name, (most, lowest) in bounds.items() if most is not None and most < lowest}
    return rules.model_copy(update=void) if void else rules


def tradable_quantity(quantity: Decimal, rules: TradingRules) -> Decimal | None:
    """Return *quantity* rounded down to what can be traded.

    None where the precision is unknown and whole coins would lose too much.
    """
    if rules.base_precision is not None:
        return round_to_step(cut(quantity, rules.base_precision), rules.base_quantity_step, ROUND_DOWN)
    if rules.base_quantity_step:
        return round_to_step(quantity, rules.base_quantity_step, ROUND_DOWN)
    whole = cut(quantity, 0)
    return whole if quantity - whole < quantity * _LEFT_OVER_MAX else None


def price_decimals(known: Decimal, rules: TradingRules, wanted: Decimal | None = None) -> int:
    """Return the number of decimals of a price.

    Where the rules do not name it: as many as a *known* price has, which may have ended in zeros, or the few more that
    keep *wanted* apart from it.
    """
    if rules.quote_precision is not None:
        return rules.quote_precision
    decimals = decimals_of(known)
    if wanted is None:
        return decimals
    lost_max = abs(wanted - known) * _ROUNDED_OFF_MAX
    while decimals < DECIMALS_MAX and wanted - cut(wanted, decimals) > lost_max:
        decimals += 1
    return decimals


def precision_of_bids(bids: Sequence[Level], quantity: Decimal) -> TradingRules:
    """Return the precision that *bids* show to a sale of *quantity*, of which one digit stays; there are bids."""
    with localcontext(CAREFUL):
        base = max([*(_significant_decimals(each.quantity) for each in bids), -quantity.adjusted()])
        quote = max(_significant_decimals(each.price) for each in bids)
        return TradingRules(base_precision=min(base, DECIMALS_MAX), quote_precision=quote)


def _significant_decimals(number: Decimal) -> int:
    """Return the number of decimals of *number* without zeros at its end."""
    return decimals_of(number.normalize())


def decimals_of(number: Decimal) -> int:
    """Return how many digits *number* has behind the point."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    return min(max(0, -exponent), DECIMALS_MAX)


def cut(number: Decimal, decimals: int, rounding: str = ROUND_DOWN) -> Decimal:
    """Return *number* in so many decimals."""
    return number.quantize(Decimal(1).scaleb(-decimals), rounding)


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


@dataclass(frozen=True, slots=True)
class Band:
    """The highest price of a purchase, and the lowest of a sale; None where no rule names one."""

    highest: Decimal | None = None
    lowest: Decimal | None = None

    def allows(self, side: Side, price: Decimal) -> bool:
        """Return whether an order of *side* may name *price*."""
        if side is Side.BUY:
            return self.highest is None or price <= self.highest
        return self.lowest is None or price >= self.lowest


def band_of(rules: TradingRules, last: Decimal | None) -> Band:
    """Return the band that *rules* draw around the *last* price, as far as both are known."""
    known = last is not None and is_plausible(last)
    highest = [rules.price_max] if rules.price_max else []
    lowest = [rules.price_min] if rules.price_min else []
    if known and last is not None and rules.price_up:
        highest.append(last * rules.price_up)
    if known and last is not None and rules.price_down:
        lowest.append(last * rules.price_down)
    return Band(min(highest, default=None), max(lowest, default=None))


def final_price(side: Side, wish: Decimal, band: Band) -> Decimal:
    """Return the price nearest to the *wish* that *band* allows.

    Every price of an order comes from here before it is rounded: a purchase's down, a sale's up.
    """
    if side is Side.BUY:
        return wish if band.highest is None else min(wish, band.highest)
    return wish if band.lowest is None else max(wish, band.lowest)


def nearest_price(side: Side, refused: Decimal, band: Band, last: Decimal | None, tried: int) -> Decimal | None:
    """Return the price to try after *refused*: the band's, else one nearer to the *last*; None without one."""
    bound = band.highest if side is Side.BUY else band.lowest
    if bound is not None and _is_nearer(side, bound, refused):
        return bound
    if last is None or not is_plausible(last) or not _is_nearer(side, last, refused):
        return None
    return last if tried >= STRAIGHT_AFTER else (refused + last) / 2


def _is_nearer(side: Side, price: Decimal, refused: Decimal) -> bool:
    return price < refused if side is Side.BUY else price > refused
