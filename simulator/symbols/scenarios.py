"""Price scenarios for the first minutes of a newcomer, pure functions of a seed and the time since the opening."""

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from math import sin
from types import MappingProxyType
from typing import Final

from simulator.symbols.draws import draws

HALF_SPREAD: Final = Decimal("0.0004")
LIVELY_SECONDS: Final = 120
"""Minimum length of a path."""
CALM_PERIODS: Final = 60
"""After the end of its path, a coin moves this many times less often."""


class Scenario(StrEnum):
    SPIKE_AND_FADE = "spike_and_fade"
    SLOW_GRIND = "slow_grind"
    CRASH_AT_ONCE = "crash_at_once"
    THIN_BOOK = "thin_book"
    DELAYED_OPENING = "delayed_opening"
    HALTED_AFTER_A_MINUTE = "halted_after_a_minute"
    NOTHING_HAPPENS = "nothing_happens"


def wave(period: int) -> float:
    """Return a number within ±1: the sum of two sines of different periods."""
    return 0.6 * sin(period / 23) + 0.4 * sin(period / 5.3)


@dataclass(frozen=True, slots=True)
class Point:
    """A point of a price path: seconds since the opening, and the price as a multiple of the opening price."""

    seconds: float
    multiple: float


@dataclass(frozen=True, slots=True)
class Course:
    """Price path and market conditions of one coin. Two points at one time are a gap; the last price is kept."""

    path: tuple[Point, ...]
    wobble: float
    """Amplitude of the price around its path, as a ratio."""
    half_spread: Decimal = HALF_SPREAD
    """From the middle of the book to its best bid and ask, as a ratio."""
    depth: Decimal = Decimal(1)
    """Value of a book side, as a fraction of the normal one."""
    opens_in: float = 0.0
    """Seconds from the listing to the announced opening."""
    opens_late_by: float = 0.0
    """Seconds from the announced to the actual opening."""
    halt_ms: tuple[int, int] | None = None
    """Start and end of its suspension, in milliseconds since the opening."""

    @property
    def ends_after(self) -> float:
        """Seconds after which the path ends."""
        return self.path[-1].seconds

    def multiple(self, seconds: float) -> float:
        """Return the price multiple *seconds* after the opening, without the wobble."""
        after = bisect_right(self.path, seconds, key=lambda point: point.seconds)
        if after == 0:
            return self.path[0].multiple
        if after == len(self.path):
            return self.path[-1].multiple
        start, end = self.path[after - 1], self.path[after]
        share = (seconds - start.seconds) / (end.seconds - start.seconds)
        return start.multiple * float((end.multiple / start.multiple) ** share)

    def price_multiple(self, period: int, pace_seconds: float) -> float:
        """Return the price multiple after *period* moves *pace_seconds* apart; the opening is the zeroth."""
        if period <= 0:
            return self.path[0].multiple
        return self.multiple(period * pace_seconds) * (1 + self.wobble * wave(period))

    def extremes(self, seconds: float) -> tuple[float, float]:
        """Return the lowest and highest multiple of the path in the first *seconds*."""
        passed = [point.multiple for point in self.path if point.seconds <= seconds]
        now = self.multiple(seconds)
        return min(now, *passed), max(now, *passed)

    def is_halted(self, open_ms: int) -> bool:
        """Return whether the coin is suspended *open_ms* after its opening."""
        return self.halt_ms is not None and self.halt_ms[0] <= open_ms < self.halt_ms[1]

    def faster(self, speed: float) -> "Course":
        """Return the same course, accelerated by *speed*."""
        return replace(
            self,
            path=tuple(Point(point.seconds / speed, point.multiple) for point in self.path),
            opens_in=self.opens_in / speed,
            opens_late_by=self.opens_late_by / speed,
            halt_ms=None if self.halt_ms is None else (int(self.halt_ms[0] / speed), int(self.halt_ms[1] / speed)),
        )


Shares = tuple[float, ...]
"""Numbers in [0, 1) drawn from a seed."""


def course_of(scenario: Scenario, seed: int) -> Course:
    """Return the course of *scenario* drawn from *seed*."""
    return _COURSES[scenario](draws("course", scenario.value, seed))


def _spike_and_fade(shares: Shares) -> Course:
    """Rise by a third or more within seconds, and lose all of it within a minute."""
    rests = _between(shares[0], 3, 5)
    top = rests + _between(shares[1], 7, 11)
    fades = top + _between(shares[2], 1, 3)
    over = fades + _between(shares[3], 25, 40)
    peak, end = _between(shares[4], 1.34, 1.44), _between(shares[5], 0.75, 0.95)
    return Course(_path((0, 1), (rests, 1), (top, peak), (fades, peak), (over, end)), wobble=0.006)


def _slow_grind(shares: Shares) -> Course:
    """Rise steadily by two thirds or more within a minute, and keep that."""
    rests = _between(shares[0], 2, 4)
    over = rests + _between(shares[1], 45, 52)
    return Course(_path((0, 1), (rests, 1), (over, _between(shares[2], 1.66, 1.85))), wobble=0.008)


def _crash_at_once(shares: Shares) -> Course:
    """Lose a quarter from one trade to the next, seconds after the opening, and more soon after."""
    falls = _between(shares[0], 6, 9)
    over = falls + _between(shares[1], 6, 10)
    first, end = _between(shares[2], 0.70, 0.80), _between(shares[3], 0.40, 0.60)
    return Course(_path((0, 1), (falls, 1), (falls, first), (over, end)), wobble=0.008)


def _thin_book(shares: Shares) -> Course:
    """Hardly move; a thin book with a wide spread."""
    half_spread, depth = _between(shares[0], 0.06, 0.09), _between(shares[1], 0.008, 0.02)
    return Course(_path((0, 1)), wobble=0.01, half_spread=Decimal(repr(half_spread)), depth=Decimal(repr(depth)))


def _delayed_opening(shares: Shares) -> Course:
    """Open later than announced, then spike or crash."""
    opens = _crash_at_once if shares[2] < 0.5 else _spike_and_fade
    course = opens((*shares[3:], *shares[:3]))
    return replace(course, opens_in=_between(shares[0], 30, 40), opens_late_by=_between(shares[1], 2, 6))


def _halted_after_a_minute(shares: Shares) -> Course:
    """Rise slowly, be suspended, and resume at another price."""
    begins = _between(shares[0], 50, 58)
    ends = begins + _between(shares[1], 30, 40)
    before, after = _between(shares[2], 1.02, 1.08), _between(shares[3], 0.92, 1.12)
    path = _path((0, 1), (begins, before), (ends, before), (ends, after))
    return Course(path, wobble=0.008, halt_ms=(int(begins * 1_000), int(ends * 1_000)))


def _nothing_happens(_: Shares) -> Course:
    """Stay within a per cent of the opening price."""
    return Course(_path((0, 1)), wobble=0.008)


def _path(*points: tuple[float, float]) -> tuple[Point, ...]:
    """Return the path through *points*, extended at the last price to its minimum length."""
    made = tuple(Point(seconds, multiple) for seconds, multiple in points)
    return made if made[-1].seconds >= LIVELY_SECONDS else (*made, Point(LIVELY_SECONDS, made[-1].multiple))


def _between(share: float, low: float, high: float) -> float:
    return round(low + (high - low) * share, 4)


_COURSES: Final[Mapping[Scenario, Callable[[Shares], Course]]] = MappingProxyType(
    {
        Scenario.SPIKE_AND_FADE: _spike_and_fade,
        Scenario.SLOW_GRIND: _slow_grind,
        Scenario.CRASH_AT_ONCE: _crash_at_once,
        Scenario.THIN_BOOK: _thin_book,
        Scenario.DELAYED_OPENING: _delayed_opening,
        Scenario.HALTED_AFTER_A_MINUTE: _halted_after_a_minute,
        Scenario.NOTHING_HAPPENS: _nothing_happens,
    }
)
BOUNDS: Final[Mapping[Scenario, tuple[float, float]]] = MappingProxyType(
    {
        Scenario.SPIKE_AND_FADE: (0.74, 1.46),
        Scenario.SLOW_GRIND: (0.99, 1.88),
        Scenario.CRASH_AT_ONCE: (0.39, 1.01),
        Scenario.THIN_BOOK: (0.98, 1.02),
        Scenario.DELAYED_OPENING: (0.39, 1.46),
        Scenario.HALTED_AFTER_A_MINUTE: (0.91, 1.14),
        Scenario.NOTHING_HAPPENS: (0.99, 1.01),
    }
)
"""Lowest and highest price of each, as multiples of the opening price, for any seed."""
