"""Assignment of symbols to connections, nearest openings first. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from ingest.source_events import Upcoming

_BREAKING: Final = frozenset(", @[]")
"""Characters with a meaning in channel names and answers."""


def nearest(upcoming: Iterable[Upcoming], now: datetime, at_most: int) -> list[str]:
    """Return the symbols nearest to their opening, past or to come; those without a known opening come last."""

    def distance(each: Upcoming) -> tuple[timedelta, str]:
        return (timedelta.max if each.opens_at is None else abs(each.opens_at - now)), each.symbol

    followable = [each for each in upcoming if not _BREAKING.intersection(each.symbol)]
    return [each.symbol for each in sorted(followable, key=distance)[:at_most]]


def assigned(before: Sequence[frozenset[str]], wanted: Iterable[str], places: int) -> tuple[frozenset[str], ...]:
    """Return *before*, the symbols of each connection, with exactly those that are *wanted* now.

    A symbol keeps its connection, others fill up the first ones with room; what finds none is left out.
    """
    queue = list(wanted)
    staying = [symbols.intersection(queue) for symbols in before]
    newcomers = [symbol for symbol in queue if not any(symbol in symbols for symbols in staying)]
    result = []
    for symbols in staying:
        free = max(0, places - len(symbols))
        result.append(symbols.union(newcomers[:free]))
        newcomers = newcomers[free:]
    return tuple(result)
