"""Fill simulation: the fill of an order against an order book. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from executor.model import CAREFUL, Fill
from executor.pricing.symbol_bounds import is_plausible
from shared.events import Side
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import Level

_STEP: Final = Decimal("1E-8")
"""The step of the quantity that a market order's money buys."""


@dataclass(frozen=True, slots=True)
class TakenLevels:
    """The quantities that an order takes from a book, level by level."""

    levels: tuple[Level, ...] = ()
    complete: bool = False
    """The order is filled completely."""


def take_levels(levels: Iterable[Level], request: OrderRequest) -> TakenLevels:
    """Return the levels that *request* takes from *levels*, best first, as far as its price allows and they last."""
    base_qty = cost = Decimal(0)
    parts: list[Level] = []
    with localcontext(CAREFUL):
        for price, offered in _acceptable(plausible(levels), request):
            wanted = _wanted(request, price, base_qty, cost)
            part = min(wanted, offered)
            base_qty += part
            cost += part * price
            if part:
                parts.append(Level(price, part))
            if part == wanted:
                return TakenLevels(tuple(parts), complete=True)
    return TakenLevels(tuple(parts))


def simulated_fill(taken: TakenLevels, taker_fee: Decimal, quote_asset: str) -> Fill | None:
    """Return the fill of *taken*; None where it is empty.

    The fee is charged in *quote_asset*, on top of a buyer's cost or off a seller's proceeds.
    """
    if not taken.levels:
        return None
    with localcontext(CAREFUL):
        base_qty = sum((quantity for _, quantity in taken.levels), Decimal(0))
        cost = sum((price * quantity for price, quantity in taken.levels), Decimal(0))
        return Fill(base_qty, cost, cost * taker_fee, quote_asset, taken.complete)


def plausible(levels: Iterable[Level]) -> Iterator[Level]:
    """Return the levels without implausible ones."""
    return (level for level in levels if is_plausible(level.price) and is_plausible(level.quantity))


def _acceptable(levels: Iterable[Level], request: OrderRequest) -> Iterator[Level]:
    limit, is_buy = request.price, request.side is Side.BUY
    for level in levels:
        if limit is None or (level.price <= limit if is_buy else level.price >= limit):
            yield level


def _wanted(request: OrderRequest, price: Decimal, base_qty: Decimal, cost: Decimal) -> Decimal:
    """Return the quantity that is still missing at *price*."""
    if request.quantity is not None:
        return request.quantity - base_qty
    assert request.quote_order_qty is not None
    return ((request.quote_order_qty - cost) / price).quantize(_STEP)
