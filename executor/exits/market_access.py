"""Access of the exits to prices, and to tests whether coins can be sold."""

from collections.abc import Callable
from dataclasses import dataclass

from executor.exits.look_schedule import LookSpacing, unlimited
from executor.exits.suspensions import PassesTest
from executor.market_data.market_views import MarketViews
from executor.market_data.position_prices import PositionPrices
from executor.market_streams.market_streams import MarketStreams
from executor.model import PriceSource


@dataclass(frozen=True, slots=True)
class MarketAccess:
    markets: MarketViews
    prices: PositionPrices
    passes_test: PassesTest | None = None
    """Where live sales may be sent."""
    apart: LookSpacing = unlimited
    """The spacing of routine looks."""
    streams: MarketStreams | None = None
    """None where prices are looked at by REST alone."""
    judged: Callable[[PriceSource], None] = lambda _: None
    """Called with the source of each quote that a position was judged by."""
