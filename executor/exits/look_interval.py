"""How often the coins that are held can be looked at within the rate limits. Pure."""

from typing import Final

from executor.settings import ExecutorSettings
from shared.mexc.weights import weight_of

SINGLE_BOOKS_MAX: Final = 3
"""From here on, the best prices of all symbols cost less weight than the book of each."""
WATCH_SHARE: Final = 5 / 8
"""Of what the address may ask goes to routine looks: the rest is for sales, rules and purchases."""
_BOOK_WEIGHT: Final = weight_of("/api/v3/depth")
_TOPS_WEIGHT: Final = weight_of("/api/v3/ticker/bookTicker")
_WEIGHT_SECONDS: Final = 10.0


def look_weight(symbols: int) -> int:
    """Return the weight of one look at each of so many *symbols*."""
    return symbols * _BOOK_WEIGHT if symbols <= SINGLE_BOOKS_MAX else _TOPS_WEIGHT


def look_interval_seconds(symbols: int, settings: ExecutorSettings) -> float:
    """Return how far apart the looks at each of so many *symbols* are where nothing else is asked."""
    requests = symbols if symbols <= SINGLE_BOOKS_MAX else 1
    weight = look_weight(symbols)
    weight_per_second = settings.weight_per_10_seconds / _WEIGHT_SECONDS * WATCH_SHARE
    requests_per_second = settings.requests_per_second * WATCH_SHARE
    return max(settings.exit_check_seconds, weight / weight_per_second, requests / requests_per_second)
