"""Events of sources: symbols that were shown, and when."""

from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from shared.events import Source
from shared.mexc.symbols import SymbolInfo

PriceOf = Callable[[str], Decimal | None]
"""Price of a symbol, as far as the event shows it. Called for the few symbols that are news."""


def no_price(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class SymbolNames:
    """Symbols that trade now."""

    source: Source
    observed_at: datetime
    symbols: AbstractSet[str]
    complete: bool
    """Whether these are all tradable symbols; otherwise an absent one may trade all the same."""
    price_of: PriceOf = field(default=no_price, compare=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Descriptions of all symbols at one moment."""

    source: Source
    observed_at: datetime
    symbols: Collection[SymbolInfo]


@dataclass(frozen=True, slots=True)
class Announcement:
    """Symbol that is going to trade, and need not be listed yet."""

    source: Source
    observed_at: datetime
    symbol: str
    opens_at: datetime


@dataclass(frozen=True, slots=True)
class FirstTrade:
    """Trade or two-sided book: the symbol trades."""

    source: Source
    observed_at: datetime
    symbol: str
    price: Decimal | None = None
    """Of the trade, or the best ask."""


SourceEvent = SymbolNames | Snapshot | Announcement | FirstTrade


@dataclass(frozen=True, slots=True)
class Upcoming:
    """Symbol that is announced or listed, and not known to trade."""

    symbol: str
    opens_at: datetime | None
