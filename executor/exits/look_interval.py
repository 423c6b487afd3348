"""Interval between looks at the coins that are held, within the rate limits. Pure."""

from collections.abc import Collection
from typing import Final

from executor.settings import ExecutorSettings
from shared.mexc.weights import weight_of

SINGLE_BOOKS_MAX: Final = 3
"""With more symbols, the best prices of all cost less weight than the book of each."""
WATCH_SHARE: Final = 5 / 8
"""The share of the address's weight for routine looks: the rest is for sales, rules and purchases."""
_BOOK_WEIGHT: Final = weight_of("/api/v3/depth")
_TOPS_WEIGHT: Final = weight_of("/api/v3/ticker/bookTicker")
_WEIGHT_SECONDS: Final = 10.0


def single_books(symbols: Collection[str], urgent: Collection[str]) -> set[str]:
    """Return which of *symbols* have their books read at once; of the others the best prices come first."""
    few = set(urgent) if len(urgent) <= SINGLE_BOOKS_MAX else set[str]()
    rest = set(symbols) - few
    return few | rest if len(rest) <= SINGLE_BOOKS_MAX else few


def look_weight(symbols: int) -> int:
    """Return the weight of one look at each of so many *symbols*."""
    return symbols * _BOOK_WEIGHT if symbols <= SINGLE_BOOKS_MAX else _TOPS_WEIGHT


def look_interval_seconds(symbols: int, settings: ExecutorSettings) -> float:
    """Return the seconds between looks at each of so many *symbols* while nothing else is requested."""
    requests = symbols if symbols <= SINGLE_BOOKS_MAX else 1
    weight = look_weight(symbols)
    weight_per_second = settings.weight_per_10_seconds / _WEIGHT_SECONDS * WATCH_SHARE
    requests_per_second = settings.requests_per_second * WATCH_SHARE
    return max(settings.exit_check_seconds, weight / weight_per_second, requests / requests_per_second)
