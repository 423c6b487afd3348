"""The ways in which exits learn what coins are worth, and whether they can be sold."""

from dataclasses import dataclass

from executor.look_pace import Apart, freely
from executor.position_prices import PositionPrices
from executor.suspensions import PassesTest
from executor.views import Markets


@dataclass(frozen=True, slots=True)
class Sight:
    markets: Markets
    prices: PositionPrices
    passes_test: PassesTest | None = None
    """Where live sales may be sent."""
    apart: Apart = freely
    """Of the looks that nothing is known to be due in."""
