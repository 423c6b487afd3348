"""Matching of a taker order against book levels."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from simulator.market.book import Level, Side
from simulator.symbols import truncate


@dataclass(frozen=True, slots=True)
class TakeRequest:
    """A taker order. Without a price it takes any; a budget in quote may bound a quantity or stand alone."""

    side: Side
    price: Decimal | None
    quantity: Decimal | None
    budget: Decimal | None
    quantity_decimals: int

    def accepts(self, price: Decimal) -> bool:
        if self.price is None:
            return True
        return price <= self.price if self.side is Side.BUY else price >= self.price


@dataclass(frozen=True, slots=True)
class TakeResult:
    """The levels taken, and whether the order was filled completely."""

    levels: tuple[Level, ...]
    complete: bool

    @property
    def quantity(self) -> Decimal:
        return sum((level.quantity for level in self.levels), Decimal(0))

    def limited_to(self, quantity: Decimal) -> "TakeResult":
        """Return the first *quantity* of it."""
        kept: list[Level] = []
        for level in self.levels:
            if quantity > 0:
                kept.append(Level(level.price, min(level.quantity, quantity)))
            quantity -= level.quantity
        return TakeResult(tuple(kept), self.complete and quantity >= 0)


def split(level: Level, makers: int, quantity_decimals: int) -> Iterator[Level]:
    """Split a taken *level* into trades with each of its *makers*, as equal as the quantity step allows."""
    share = max(truncate(level.quantity / makers, quantity_decimals), Decimal(1).scaleb(-quantity_decimals))
    left = level.quantity
    for _ in range(makers - 1):
        if left <= share:
            break
        yield Level(level.price, share)
        left -= share
    yield Level(level.price, left)


def take(levels: Iterable[Level], wanted: TakeRequest) -> TakeResult:
    """Fill *wanted* from *levels*, best first."""
    taken: list[Level] = []
    quantity, budget = wanted.quantity, wanted.budget
    for level in levels:
        if not wanted.accepts(level.price):
            break
        room = level.quantity if quantity is None else min(level.quantity, quantity)
        affordable = room if budget is None else min(room, truncate(budget / level.price, wanted.quantity_decimals))
        if affordable > 0:
            taken.append(Level(level.price, affordable))
            quantity = None if quantity is None else quantity - affordable
            budget = None if budget is None else budget - affordable * level.price
        if affordable < room:  # The budget does not pay for another step at this price.
            return TakeResult(tuple(taken), complete=quantity is None and bool(taken))
        if quantity == 0:
            return TakeResult(tuple(taken), complete=True)
    return TakeResult(tuple(taken), complete=quantity is None and budget == 0)
