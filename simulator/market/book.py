"""The order book of a symbol: finite, depleted by takers, refilled over time."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum

from simulator.symbols import Instrument, Quotes, truncate

LEVELS = 100
REFILL_SECONDS = 30
_STEP = Decimal("0.0006")
# Level k holds k + 2 shares of the side's value: thin at the top, as real books are.
_SHARES = sum(range(2, LEVELS + 2))


class Side(StrEnum):
    BUY = "BUY"
    SELL = "SELL"

    @property
    def other(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


@dataclass(frozen=True, slots=True)
class Level:
    price: Decimal
    quantity: Decimal


NOTHING = Level(Decimal(0), Decimal(0))


@dataclass(frozen=True, slots=True)
class Depletion:
    """The value, in quote, that takers recently removed from the best end of one side."""

    value: Decimal = Decimal(0)
    at_ms: int = 0

    def remaining_value(self, depth_quote: Decimal, now_ms: int) -> Decimal:
        """Return the value not refilled by *now_ms*."""
        refilled = depth_quote * (now_ms - self.at_ms) / (REFILL_SECONDS * 1_000)
        return max(Decimal(0), self.value - refilled)

    def plus(self, value: Decimal, depth_quote: Decimal, now_ms: int) -> "Depletion":
        return Depletion(self.remaining_value(depth_quote, now_ms) + value, now_ms)


def full_side(instrument: Instrument, side: Side, middle: Decimal) -> Iterable[Level]:
    """Return one side before takers, best first: scripted, or generated from price and depth."""
    scripted = _scripted(instrument, side)
    if scripted is not None:
        return [Level(price, quantity) for price, quantity in scripted]
    return bids(instrument, middle) if side is Side.BUY else asks(instrument, middle)


def refill_quote(instrument: Instrument, side: Side) -> Decimal:
    """Return the value refilled in REFILL_SECONDS; a scripted side is never refilled."""
    return instrument.depth_quote if _scripted(instrument, side) is None else Decimal(0)


def _scripted(instrument: Instrument, side: Side) -> Quotes | None:
    return instrument.bids if side is Side.BUY else instrument.asks


def asks(instrument: Instrument, middle: Decimal) -> Iterator[Level]:
    """Yield the full sell side, cheapest first."""
    price = Decimal(0)
    for number in range(LEVELS):
        wanted = middle * (1 + instrument.half_spread + _STEP * number)
        price = max(price + instrument.tick, wanted.quantize(instrument.tick, ROUND_CEILING))
        yield _level(instrument, number, price)


def bids(instrument: Instrument, middle: Decimal) -> Iterator[Level]:
    """Yield the full buy side, highest price first; it ends before a price of zero."""
    price = middle
    for number in range(LEVELS):
        wanted = middle * (1 - instrument.half_spread - _STEP * number)
        price = min(price - instrument.tick, wanted.quantize(instrument.tick, ROUND_FLOOR))
        if price <= 0:
            return
        yield _level(instrument, number, price)


def without_depleted(levels: Iterable[Level], depleted_value: Decimal, quantity_decimals: int) -> Iterator[Level]:
    """Yield *levels* less the first *depleted_value* of them."""
    for level in levels:
        value = level.price * level.quantity
        if depleted_value >= value:
            depleted_value -= value
            continue
        quantity = truncate((value - depleted_value) / level.price, quantity_decimals)
        depleted_value = Decimal(0)
        if quantity > 0:
            yield Level(level.price, quantity)


def _level(instrument: Instrument, number: int, price: Decimal) -> Level:
    value = instrument.depth_quote * (number + 2) / _SHARES
    return Level(price, max(instrument.quantity_step, truncate(value / price, instrument.quantity_decimals)))
