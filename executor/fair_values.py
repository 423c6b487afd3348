"""Fair values of what is held: the middle of each book when it was last seen, and what that makes of a mode. Pure."""

from collections.abc import Collection
from decimal import Decimal, localcontext
from typing import Final

from executor.limits import CAREFUL
from executor.position import Position, PositionState
from shared.events import Mode

_NOTHING: Final = Decimal(0)
_UNPRICED: Final = frozenset({PositionState.EXTERNAL, PositionState.UNSELLABLE})
"""Nobody knows what these are worth: their loss counts once they are written off."""


class FairValues:
    """The supervisor of positions tells prices, whoever limits losses reads results."""

    def __init__(self) -> None:
        self._prices: dict[str, Decimal] = {}
        self._held: Collection[Position] = ()

    def saw(self, position: Position, price: Decimal | None) -> None:
        """Remember the fair price of a coin of *position*; None where its book shows none, and the last one stays."""
        if price is not None:
            self._prices[position.name] = price

    def holds(self, positions: Collection[Position]) -> None:
        """Take note of everything that is held, each as it is now."""
        self._held = positions
        names = {position.name for position in positions}
        self._prices = {name: price for name, price in self._prices.items() if name in names}

    def unrealised(self, mode: Mode) -> Decimal:
        """Return by how much what is held in *mode* is worth more than it cost, in dollars; negative for a loss.

        A coin whose book was not seen yet is worth what was paid for it.
        """
        with localcontext(CAREFUL):
            gains = (self._gain(position) for position in self._held if position.mode is mode)
            return sum(gains, _NOTHING)

    def _gain(self, position: Position) -> Decimal:
        if position.state in _UNPRICED:
            return _NOTHING
        price = self._prices.get(position.name)
        return _NOTHING if price is None else position.base_qty * price - position.cost_usdt
