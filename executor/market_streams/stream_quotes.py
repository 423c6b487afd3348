"""The latest best prices of each coin by its stream. What makes no sense is counted, and decides nothing. No I/O."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from executor.market_streams.push_order import PushOrder
from executor.market_streams.pushes import BadTick, BestPrices, read
from executor.pricing import Quote


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


class NoListener:
    """A `TickListener` that judges nothing."""

    def quoted(self, symbol: str, tick: Tick) -> None:
        """See `TickListener`."""

    def traded(self, symbol: str, price: Decimal, number: int) -> None:
        """See `TickListener`."""


class StreamQuotes:
    def __init__(self, count: Callable[[str], None], clock: Callable[[], float]) -> None:
        """*count* is called with the result of each push; *clock* is the loop's."""
        self._count = count
        self._clock = clock
        self._ticks: dict[str, Tick] = {}
        self._order = PushOrder()
        self._number = 0
        self._numbers: dict[str, int] = {}
        """The number of the newest best prices of each coin."""
        self.followed: Collection[str] = frozenset()
        self.listener: TickListener = NoListener()

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
        self._numbers = {symbol: number for symbol, number in self._numbers.items() if symbol in self.followed}
        self._order.keep(self.followed)

    async def take(self, frame: bytes) -> bool:
        """Take in one push, and have the positions of its coin judged; raise FrameError for anything else."""
        push = read(frame)
        if push.symbol not in self.followed:
            self._count("foreign")
        elif isinstance(push, BadTick):
            if push.is_quote:
                self.drop(push.symbol)
            self._count(push.reason)
        elif (objection := self._order.objection(push)) is not None:
            self._count(objection)
            stands = self.of(push.symbol)
            if objection == "repeated" and isinstance(push, BestPrices):
                # It says once more what stands, also after a connection was lost; and confirms nothing.
                self._ticks[push.symbol] = Tick(push.quote, self._numbers[push.symbol], self._clock())
            elif isinstance(push, BestPrices) and stands is not None and stands.quote != push.quote:
                # It may be late; or the exchange counts anew, and only what looks old shows the prices of now.
                self.drop(push.symbol)
        else:
            self._number += 1
            if isinstance(push, BestPrices):
                self._numbers[push.symbol] = self._number
                self._ticks[push.symbol] = Tick(push.quote, self._number, self._clock())
                self.listener.quoted(push.symbol, self._ticks[push.symbol])
            else:
                self.listener.traded(push.symbol, push.lowest, self._number)
            # Counted after a sale has begun, which waits for nothing.
            self._count("taken")
        return True
