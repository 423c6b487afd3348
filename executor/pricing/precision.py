"""Round prices and quantities to the digits and steps of a symbol. Pure."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Final

from executor.model.money import CAREFUL
from executor.pricing.fill_simulation import is_plausible
from shared.events import TradingRules
from shared.mexc.payloads import Level

_LEFT_OVER_MAX: Final = Decimal("0.01")
"""The share of a quantity that whole coins may lose where the precision of the coin is unknown."""
_ROUNDED_OFF_MAX: Final = Decimal("0.5")
"""The share of the slippage that the last digit of a price may lose where its precision is unknown. With too few digits
an order buys nothing; with too many it is refused, and corrected by the rules."""
DECIMALS_MAX: Final = 30


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
