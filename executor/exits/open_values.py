"""Values of open positions at the last look, for display: no decision depends on them."""

from collections.abc import Collection
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Final

from pydantic import JsonValue

from executor.model import CAREFUL, CENT, Position
from executor.pricing import Quote, worth_of

_WHOLE: Final = Decimal(100)


class OpenValues:
    """The value of each position by name, net of the fee, in whole cents of its quote asset."""

    def __init__(self, taker_fee: Decimal) -> None:
        self._taker_fee = taker_fee
        self._worths: dict[str, Decimal] = {}

    def value(self, position: Position, quote: Quote) -> None:
        """Value *position* by all bids of *quote*; without any it is zero."""
        worth = worth_of(quote, position.base_qty, _WHOLE, self._taker_fee)
        with localcontext(CAREFUL):
            value = Decimal(0) if worth is None else worth.net * position.base_qty
            self._worths[position.name] = value.quantize(CENT, ROUND_DOWN)

    def forget_all_but(self, names: Collection[str]) -> None:
        """Forget positions that are not held any more."""
        for name in self._worths.keys() - set(names):
            del self._worths[name]

    def facts(self) -> dict[str, JsonValue]:
        """Return each value as text."""
        return {name: f"{worth:f}" for name, worth in self._worths.items()}
