"""Price band: the prices that the exchange takes by its rules around the last price, and the nearest of them. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from executor.pricing.fill_simulation import is_plausible
from shared.events import Side, TradingRules

STRAIGHT_AFTER: Final = 2
"""So often a refused price that no rule explains moves half the way to the last price; then all of it."""


@dataclass(frozen=True, slots=True)
class Band:
    """The highest price of a purchase, and the lowest of a sale; None where no rule names one."""

    highest: Decimal | None = None
    lowest: Decimal | None = None

    def allows(self, side: Side, price: Decimal) -> bool:
        """Return whether an order of *side* may name *price*."""
        if side is Side.BUY:
            return self.highest is None or price <= self.highest
        return self.lowest is None or price >= self.lowest


def band_of(rules: TradingRules, last: Decimal | None) -> Band:
    """Return the band that *rules* draw around the *last* price, as far as both are known."""
    known = last is not None and is_plausible(last)
    highest = [rules.price_max] if rules.price_max else []
    lowest = [rules.price_min] if rules.price_min else []
    if known and last is not None and rules.price_up:
        highest.append(last * rules.price_up)
    if known and last is not None and rules.price_down:
        lowest.append(last * rules.price_down)
    return Band(min(highest, default=None), max(lowest, default=None))


def final_price(side: Side, wish: Decimal, band: Band, floor: Decimal | None = None) -> Decimal:
    """Return the price nearest to the *wish* that *band* allows; no sale goes below *floor* either.

    Every price of an order comes from here before it is rounded: a purchase's down, a sale's up.
    """
    if side is Side.BUY:
        return wish if band.highest is None else min(wish, band.highest)
    return max([wish, *(least for least in (band.lowest, floor) if least is not None)])


def nearest_price(side: Side, refused: Decimal, band: Band, last: Decimal | None, tried: int) -> Decimal | None:
    """Return the price to try after *refused*: the band's, else one nearer to the *last*; None without one."""
    bound = band.highest if side is Side.BUY else band.lowest
    if bound is not None and _is_nearer(side, bound, refused):
        return bound
    if last is None or not is_plausible(last) or not _is_nearer(side, last, refused):
        return None
    return last if tried >= STRAIGHT_AFTER else (refused + last) / 2


def _is_nearer(side: Side, price: Decimal, refused: Decimal) -> bool:
    return price < refused if side is Side.BUY else price > refused
