"""What a source reports: symbols it was shown, and when."""

from collections.abc import Callable, Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from shared.events import Source
from shared.mexc.symbols import SymbolInfo

PriceOf = Callable[[str], Decimal | None]
"""What a symbol cost, as far as the evidence shows. Asked for the few symbols that are news, not for all."""


def no_price(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class SymbolNames:
    """Symbols that trade now."""

    source: Source
    observed_at: datetime
    symbols: AbstractSet[str]
    complete: bool
    """Whether these are all that trade; otherwise one that is absent may trade all the same."""
    price_of: PriceOf = field(default=no_price, compare=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the exchange shows at one moment, described."""

    source: Source
    observed_at: datetime
    symbols: Collection[SymbolInfo]


@dataclass(frozen=True, slots=True)
class Announcement:
    """A symbol that is going to trade. As far as this tells, it is not listed yet."""

    source: Source
    observed_at: datetime
    symbol: str
    opens_at: datetime


@dataclass(frozen=True, slots=True)
class FirstTrade:
    """A deal, or a book with both sides: the symbol trades."""

    source: Source
    observed_at: datetime
    symbol: str
    price: Decimal | None = None
    """Of the deal, or the best ask."""


SourceEvent = SymbolNames | Snapshot | Announcement | FirstTrade


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A symbol that is announced or listed, and not known to trade."""

    symbol: str
    opens_at: datetime | None
