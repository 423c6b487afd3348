"""What a market order would have got from an order book."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal, localcontext
from typing import Final

from executor.limits import CAREFUL, CENT
from shared.mexc.payloads import Level

_STEP: Final = Decimal("1E-8")
_MAGNITUDE_MAX: Final = 20


@dataclass(frozen=True, slots=True)
class Fill:
    """What was bought. The fee is taken in the quote asset, on top of the cost, so *base_qty* is net."""

    base_qty: Decimal
    cost: Decimal
    fee: Decimal

    @property
    def quote_spent(self) -> Decimal:
        """Cost and fee, rounded up to a whole cent so that exposure is never understated."""
        with localcontext(CAREFUL):
            return (self.cost + self.fee).quantize(CENT, ROUND_UP)

    @property
    def average_price(self) -> Decimal:
        return self.cost / self.base_qty


def fill(asks: Iterable[Level], amount: Decimal, taker_fee: Decimal) -> Fill | None:
    """Spend *amount*, the fee not included, on *asks*, cheapest first; None when nothing can be bought.

    Where the book ends early, the fill is a partial one.
    """
    with localcontext(CAREFUL):
        taken = list(_take(asks, amount))
        base_qty = sum((level.quantity for level in taken), Decimal(0))
        cost = sum((level.price * level.quantity for level in taken), Decimal(0))
        return Fill(base_qty, cost, cost * taker_fee) if taken else None


def _take(asks: Iterable[Level], amount: Decimal) -> Iterator[Level]:
    left = amount
    for price, quantity in asks:
        if not (_is_plausible(price) and _is_plausible(quantity)):
            continue
        affordable = (left / price).quantize(_STEP)
        bought = min(affordable, quantity.quantize(_STEP))
        if bought > 0:
            yield Level(price, bought)
            left -= price * bought
        if affordable < quantity:
            return


def _is_plausible(number: Decimal) -> bool:
    """Tell whether *number* can be a price or a quantity: positive, and of a size that can be computed with."""
    return number.is_finite() and number > 0 and abs(number.adjusted()) <= _MAGNITUDE_MAX
