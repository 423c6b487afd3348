"""The latest best prices of each coin by its stream. What makes no sense is counted, and decides nothing. No I/O."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from executor.market_streams.pushes import BadTick, BestPrices, Deals, Place, read
from executor.pricing.valuation import Quote

OLD_MAX: Final = 20
"""Pushes in a row that are older than one before: after so many the exchange has begun to count anew."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Best prices of a coin, and the number of the push that brought them."""

    quote: Quote
    number: int
    arrived_at: float


class TickListener(Protocol):
    """Judges positions as soon as a push arrives; it neither waits nor raises."""

    def quoted(self, symbol: str, tick: Tick) -> None:
        """Judge the positions of *symbol* by its new best prices."""

    def traded(self, symbol: str, price: Decimal, number: int) -> None:
        """Judge them by a trade at *price*, in push *number*."""


@dataclass(slots=True)
class _Newest:
    """The newest push of one channel."""

    place: Place
    old_in_a_row: int = 0


class StreamQuotes:
    def __init__(self, count: Callable[[str], None], clock: Callable[[], float]) -> None:
        """*count* is called with the result of each push; *clock* is the loop's."""
        self._count = count
        self._clock = clock
        self._ticks: dict[str, Tick] = {}
        self._newest: dict[tuple[str, type[BestPrices | Deals]], _Newest] = {}
        self._number = 0
        self.followed: Collection[str] = frozenset()
        self.listener: TickListener | None = None

    def of(self, symbol: str) -> Tick | None:
        """Return the latest best prices of *symbol*, whatever their age."""
        return self._ticks.get(symbol)

    def drop(self, symbol: str) -> None:
        """Trust nothing of *symbol* until its next push."""
        self._ticks.pop(symbol, None)

    def keep(self, symbols: Collection[str]) -> None:
        """Forget other coins than *symbols*."""
        self.followed = frozenset(symbols)
        self._ticks = {symbol: tick for symbol, tick in self._ticks.items() if symbol in self.followed}
        self._newest = {key: newest for key, newest in self._newest.items() if key[0] in self.followed}

    async def take(self, frame: bytes) -> bool:
        """Take in one push, and have the positions of its coin judged; raise FrameError for anything else."""
        push = read(frame)
        if push.symbol not in self.followed:
            self._count("foreign")
        elif isinstance(push, BadTick):
            if push.is_quote:
                self.drop(push.symbol)
            self._count(push.reason)
        elif self._is_new(push):
            self._count("taken")
            self._hand_on(push)
        return True

    def _hand_on(self, push: BestPrices | Deals) -> None:
        self._number += 1
        if isinstance(push, BestPrices):
            tick = Tick(push.quote, self._number, self._clock())
            self._ticks[push.symbol] = tick
            if self.listener is not None:
                self.listener.quoted(push.symbol, tick)
        elif self.listener is not None:
            self.listener.traded(push.symbol, push.lowest, self._number)

    def _is_new(self, push: BestPrices | Deals) -> bool:
        """Return whether *push* is no older than one before, and none that came already: two connections overlap."""
        key = push.symbol, type(push)
        newest = self._newest.get(key)
        if newest is None:
            self._newest[key] = _Newest(push.place)
            return True
        if push.place.is_before(newest.place):
            newest.old_in_a_row += 1
            self._count("old")
            if newest.old_in_a_row < OLD_MAX:
                return False
        elif push.place == newest.place and push.place.version is not None:
            self._count("repeated")
            return False
        self._newest[key] = _Newest(push.place)
        return True
