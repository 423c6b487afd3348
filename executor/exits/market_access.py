"""Access of the exits to prices, and to tests whether coins can be sold."""

from dataclasses import dataclass

from executor.exits.look_schedule import LookSpacing, unlimited
from executor.exits.suspensions import PassesTest
from executor.market_data.market_views import MarketViews
from executor.market_data.position_prices import PositionPrices


@dataclass(frozen=True, slots=True)
class MarketAccess:
    markets: MarketViews
    prices: PositionPrices
    passes_test: PassesTest | None = None
    """Where live sales may be sent."""
    apart: LookSpacing = unlimited
    """The spacing of routine looks."""
