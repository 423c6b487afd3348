"""Fair values: the middle of each book when it was last seen, and what that makes of what is held. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Final

from executor.model.money import CAREFUL
from executor.model.position import Position

_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Holding:
    """How much is held of a position, and what that cost in dollars, as the database says."""

    name: str
    base_qty: Decimal
    cost_usdt: Decimal


class FairValues:
    """The supervisor of positions tells prices, whoever limits losses reads results."""

    def __init__(self) -> None:
        self._prices: dict[str, Decimal] = {}

    def saw(self, position: Position, price: Decimal | None) -> None:
        """Remember the fair price of a coin of *position*; None where its book shows none, and the last one stays."""
        if price is not None:
            self._prices[position.name] = price

    def forget_all_but(self, names: Collection[str]) -> None:
        self._prices = {name: price for name, price in self._prices.items() if name in names}

    def unrealised(self, holdings: Iterable[Holding]) -> Decimal:
        """Return by how much *holdings* are worth more than they cost, in dollars; negative for a loss.

        A coin whose book was not seen yet is worth what was paid for it.
        """
        with localcontext(CAREFUL):
            return sum((self._gain(each) for each in holdings), _NOTHING)

    def _gain(self, holding: Holding) -> Decimal:
        price = self._prices.get(holding.name)
        return _NOTHING if price is None else holding.base_qty * price - holding.cost_usdt
