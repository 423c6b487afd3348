"""Footprint of paper orders: the quantities that they took from books that still show them. Pure.

A paper order takes nothing from the exchange, so the level that filled it is still displayed. The quantity taken is
kept by symbol, side and price, and subtracted in every later look: until the book itself shows less than that, or
another level in its place, or until it has not been touched for so long that a market would have refilled it.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from executor.model import CAREFUL
from executor.pricing.fill_simulation import plausible
from shared.events import Side
from shared.mexc.payloads import Level

LEVELS_MAX: Final = 20_000
"""Of all symbols together; beyond it the levels taken from longest ago are forgotten."""

_NOTHING: Final = Decimal(0)

Book = tuple[str, Side]
"""A symbol and a side of its book: bids are BUY."""


@dataclass(frozen=True, slots=True)
class _Trace:
    quantity: Decimal
    at: float


class PaperFootprint:
    """Times are seconds of one monotonic clock."""

    def __init__(self, keep_seconds: float, *, levels_max: int = LEVELS_MAX) -> None:
        self._keep_seconds = keep_seconds
        self._levels_max = levels_max
        self._traces: dict[Book, dict[Decimal, _Trace]] = {}
        self._ages: OrderedDict[tuple[Book, Decimal], None] = OrderedDict()
        self._earlier: dict[Book, list[_Trace]] = {}

    def remaining(self, book: Book, shown: Iterable[Level], at: float) -> tuple[Level, ...]:
        """Return the levels *shown*, best first, less the footprint, which follows their changes."""
        levels = tuple(plausible(shown))
        self._follow(book, levels, at)
        traces = self._traces.get(book, {})
        taken = {price: trace.quantity for price, trace in traces.items()}
        return tuple(_without(levels, taken)) if taken else levels

    def take(self, book: Book, levels: Iterable[Level], at: float) -> None:
        """Record that a paper order took *levels*, out of those that `remaining` returned."""
        if self._keep_seconds <= 0:
            return
        for price, quantity in levels:
            before = self._traces.get(book, {}).get(price)
            total = quantity if before is None else CAREFUL.add(before.quantity, quantity)
            self._keep(book, price, _Trace(total, at))
        while len(self._ages) > self._levels_max:
            self._forget(*next(iter(self._ages)))

    def recall(self, book: Book, quantity: Decimal, at: float) -> None:
        """Record that an earlier process took *quantity* at unknown levels: subtract it from the best of the next look.

        An order takes the best levels first, so in a book that has not changed these are the same.
        """
        if self._keep_seconds > 0 and quantity > 0:
            self._earlier.setdefault(book, []).append(_Trace(quantity, at))

    def __len__(self) -> int:
        return len(self._ages)

    def _follow(self, book: Book, levels: Sequence[Level], at: float) -> None:
        """Forget quantities that are too old, not displayed any more, or more than displayed."""
        displayed = _totals(levels)
        # Beyond the last level there may be others, which this look did not read.
        last = levels[-1].price if levels else None
        for price, trace in list(self._traces.get(book, {}).items()):
            is_hidden = last is None or (price < last if book[1] is Side.BUY else price > last)
            quantity = trace.quantity if is_hidden else min(trace.quantity, displayed.get(price, _NOTHING))
            if at - trace.at >= self._keep_seconds or not quantity:
                self._forget(book, price)
            elif quantity != trace.quantity:
                self._traces[book][price] = _Trace(quantity, trace.at)
        if levels:
            self._assign(book, levels, at)

    def _assign(self, book: Book, levels: Sequence[Level], at: float) -> None:
        """Assign quantities taken by an earlier process to the best of *levels*; the rest waits for the next look."""
        for trace in self._earlier.pop(book, []):
            if at - trace.at >= self._keep_seconds:
                continue
            taken = {price: each.quantity for price, each in self._traces.get(book, {}).items()}
            wanted = trace.quantity
            for price, offered in tuple(_without(levels, taken)):
                part = min(offered, wanted)
                wanted = CAREFUL.subtract(wanted, part)
                self.take(book, (Level(price, part),), trace.at)
                if not wanted:
                    break
            self.recall(book, wanted, trace.at)

    def _keep(self, book: Book, price: Decimal, trace: _Trace) -> None:
        self._traces.setdefault(book, {})[price] = trace
        self._ages[book, price] = None
        self._ages.move_to_end((book, price))

    def _forget(self, book: Book, price: Decimal) -> None:
        self._ages.pop((book, price), None)
        traces = self._traces[book]
        traces.pop(price, None)
        if not traces:
            del self._traces[book]


def _totals(levels: Iterable[Level]) -> dict[Decimal, Decimal]:
    totals: dict[Decimal, Decimal] = {}
    for price, quantity in levels:
        totals[price] = CAREFUL.add(totals.get(price, _NOTHING), quantity)
    return totals


def _without(levels: Iterable[Level], taken: dict[Decimal, Decimal]) -> Iterable[Level]:
    """Yield *levels* less *taken*, which this uses up."""
    for price, offered in levels:
        before = taken.get(price, _NOTHING)
        gone = min(before, offered)
        taken[price] = CAREFUL.subtract(before, gone)
        if left := CAREFUL.subtract(offered, gone):
            yield Level(price, left)
