"""Fair values: the middle of each book at the last look, and the unrealised result of holdings. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from executor.model import CAREFUL, Position

_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Holding:
    """Quantity and cost in dollars of a position, as the database holds them."""

    name: str
    base_qty: Decimal
    cost_usdt: Decimal


class FairValues:
    """Written by the exit monitor, read by the daily loss breaker."""

    def __init__(self) -> None:
        self._prices: dict[str, Decimal] = {}

    def record(self, position: Position, price: Decimal | None) -> None:
        """Keep the fair price of *position*; where its book shows none, the last one stays."""
        if price is not None:
            self._prices[position.name] = price

    def forget_all_but(self, names: Collection[str]) -> None:
        self._prices = {name: price for name, price in self._prices.items() if name in names}

    def unrealised(self, holdings: Iterable[Holding]) -> Decimal:
        """Return the unrealised gain of *holdings* in dollars; negative for a loss.

        A coin whose book was not read yet counts at its cost.
        """
        with localcontext(CAREFUL):
            return sum((self._gain(each) for each in holdings), _NOTHING)

    def _gain(self, holding: Holding) -> Decimal:
        price = self._prices.get(holding.name)
        return _NOTHING if price is None else holding.base_qty * price - holding.cost_usdt
