"""Price of a symbol at a time: a function of the symbol and the clock alone."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from simulator.symbols import CALM_PERIODS, DAY_MS, Course, Instrument, truncate, wave
from simulator.symbols.draws import draws


@dataclass(frozen=True, slots=True)
class Trade:
    """A trade between other accounts."""

    trade_id: str
    price: Decimal
    quantity: Decimal
    time_ms: int
    is_buy: bool  # the side of the taker


@dataclass(frozen=True, slots=True)
class DayTicker:
    """24-hour ticker of a symbol."""

    opening: Decimal
    last: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal  # base
    turnover: Decimal  # quote

    @property
    def change(self) -> Decimal:
        """Price change as a ratio: 0.01 is one per cent."""
        return (self.last - self.opening) / self.opening


def price_at(instrument: Instrument, now_ms: int) -> Decimal:
    """Return the mid price; before the opening, the opening price."""
    if now_ms <= instrument.opens_at_ms:
        return instrument.price
    return _price(instrument, _period(instrument, now_ms))


def last_price(instrument: Instrument, now_ms: int) -> Decimal:
    """Return the price of the last trade."""
    return instrument.last_price or price_at(instrument, now_ms)


def next_change_ms(instrument: Instrument, now_ms: int) -> int:
    """Return the time of the next price move."""
    if now_ms < instrument.opens_at_ms:
        return instrument.opens_at_ms
    _, following = _same_price_periods(instrument.course, instrument.pace_ms, _period(instrument, now_ms))
    return instrument.opens_at_ms + following * instrument.pace_ms


def day_ticker(instrument: Instrument, now_ms: int) -> DayTicker:
    """Return the 24-hour ticker; high, low and volume follow the price formula, not single trades."""
    last = last_price(instrument, now_ms)
    age_ms = max(0, min(DAY_MS, now_ms - instrument.opens_at_ms))
    low, high = _price_range(instrument, age_ms)
    turnover = truncate(instrument.depth_quote * 20 * age_ms / DAY_MS, 2)
    return DayTicker(
        opening=price_at(instrument, now_ms - age_ms),
        last=last,
        high=max(last, truncate(instrument.price * high, instrument.price_decimals)),
        low=min(last, truncate(instrument.price * low, instrument.price_decimals) or instrument.tick),
        volume=truncate(turnover / instrument.price, instrument.quantity_decimals),
        turnover=turnover,
    )


def trades_between(instrument: Instrument, after_ms: int, until_ms: int) -> Iterator[Trade]:
    """Yield the trades in (after, until], oldest first: one per price move, the first at the opening."""
    first = max(0, _period(instrument, after_ms) + 1)
    for period in range(first, _period(instrument, until_ms) + 1):
        open_ms = period * instrument.pace_ms
        if instrument.course and instrument.course.is_halted(open_ms):
            continue
        price = instrument.last_price or _price(instrument, period)
        share, side, *_ = draws(instrument.symbol, "trade", period)
        value = instrument.depth_quote / 500 * (1 + round(9 * share))
        yield Trade(
            trade_id=f"{instrument.opens_at_ms}{period}",
            price=price,
            quantity=max(instrument.quantity_step, truncate(value / price, instrument.quantity_decimals)),
            time_ms=instrument.opens_at_ms + open_ms,
            is_buy=side < 0.5,
        )


def _period(instrument: Instrument, now_ms: int) -> int:
    return (now_ms - instrument.opens_at_ms) // instrument.pace_ms


def _price(instrument: Instrument, period: int) -> Decimal:
    if period <= 0:
        return instrument.price
    # A bounded formula that can be computed at any time.
    multiple = _multiple(instrument, period)
    moved = instrument.price * Decimal(repr(round(multiple, 9)))
    return truncate(moved, instrument.price_decimals) or instrument.tick


def _multiple(instrument: Instrument, period: int) -> float:
    if instrument.course is None:
        return 1 + instrument.swing * wave(period)
    first, _ = _same_price_periods(instrument.course, instrument.pace_ms, period)
    return instrument.course.price_multiple(first, instrument.pace_ms / 1_000)


def _same_price_periods(course: Course | None, pace_ms: int, period: int) -> tuple[int, int]:
    """Return the first of the periods that share the price of *period*, and the first after them.

    A halted coin keeps the price of its last trade, and one past the end of its course moves seldom.
    """
    if course is not None and course.halt_ms is not None and course.is_halted(period * pace_ms):
        begins_ms, ends_ms = course.halt_ms
        return (begins_ms - 1) // pace_ms, -(-ends_ms // pace_ms)
    calm = period - period % CALM_PERIODS
    if course is not None and calm * pace_ms >= course.ends_after * 1_000:
        return calm, calm + CALM_PERIODS
    return period, period + 1


def _price_range(instrument: Instrument, age_ms: int) -> tuple[Decimal, Decimal]:
    """Return the lowest and highest price of the last *age_ms*, as multiples of the instrument's price."""
    if instrument.course is not None:
        low, high = instrument.course.extremes(age_ms / 1_000)
    else:
        reach = instrument.swing if age_ms else 0
        low, high = 1 - reach, 1 + reach
    return Decimal(repr(low)), Decimal(repr(high))
