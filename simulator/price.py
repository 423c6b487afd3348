"""Where the market of a symbol stands at a time: a function of the symbol and the clock alone."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from simulator.decimals import cut
from simulator.instrument import Instrument
from simulator.universe import DAY_MS, draws


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade of somebody else's."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    time_ms: int
    is_buy: bool  # the side of the taker


@dataclass(frozen=True, slots=True)
class Day:
    """The last 24 hours of a symbol."""

    opening: Decimal
    last: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal  # base
    turnover: Decimal  # quote

    @property
    def change(self) -> Decimal:
        """As a ratio: 0.01 is one per cent."""
        return (self.last - self.opening) / self.opening


def price_at(instrument: Instrument, now_ms: int) -> Decimal:
    """The middle of the book; before opening it is the opening price."""
    if now_ms <= instrument.opens_at_ms:
        return instrument.price
    return _price(instrument, _period(instrument, now_ms))


def next_change_ms(instrument: Instrument, now_ms: int) -> int:
    """When the price moves next."""
    if now_ms < instrument.opens_at_ms:
        return instrument.opens_at_ms
    return instrument.opens_at_ms + (_period(instrument, now_ms) + 1) * instrument.pace_ms


def day(instrument: Instrument, now_ms: int) -> Day:
    """Bounds and volume are those of the price's formula, not of each single trade."""
    last = price_at(instrument, now_ms)
    age_ms = max(0, min(DAY_MS, now_ms - instrument.opens_at_ms))
    reach = Decimal(repr(instrument.swing)) if age_ms else Decimal(0)
    turnover = cut(instrument.depth_quote * 20 * age_ms / DAY_MS, 2)
    return Day(
        opening=price_at(instrument, now_ms - age_ms),
        last=last,
        high=max(last, cut(instrument.price * (1 + reach), instrument.price_decimals)),
        low=min(last, cut(instrument.price * (1 - reach), instrument.price_decimals) or instrument.tick),
        volume=cut(turnover / instrument.price, instrument.quantity_decimals),
        turnover=turnover,
    )


def trades_between(instrument: Instrument, after_ms: int, until_ms: int) -> Iterator[Trade]:
    """The trades in (after, until], oldest first: one for each move of the price, the first at the opening."""
    first = max(0, _period(instrument, after_ms) + 1)
    for period in range(first, _period(instrument, until_ms) + 1):
        price = _price(instrument, period)
        share, side, *_ = draws(instrument.symbol, "trade", period)
        value = instrument.depth_quote / 500 * (1 + round(9 * share))
        yield Trade(
            trade_id=f"{instrument.opens_at_ms}{period}",
            price=price,
            quantity=max(instrument.quantity_step, cut(value / price, instrument.quantity_decimals)),
            time_ms=instrument.opens_at_ms + period * instrument.pace_ms,
            is_buy=side < 0.5,
        )


def _period(instrument: Instrument, now_ms: int) -> int:
    return (now_ms - instrument.opens_at_ms) // instrument.pace_ms


def _price(instrument: Instrument, period: int) -> Decimal:
    if period <= 0:
        return instrument.price
    # Two sines of unlike length make a market that wanders, stays in bounds and can be computed at any time.
    wave = 0.6 * math.sin(period / 23) + 0.4 * math.sin(period / 5.3)
    moved = instrument.price * Decimal(repr(round(1 + instrument.swing * wave, 9)))
    return cut(moved, instrument.price_decimals) or instrument.tick
