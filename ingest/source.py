"""Sources: the events they report, and their protocol. To watch another one, add a class like it; no loop changes."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Never, Protocol

from shared import events
from shared.mexc.symbols import SymbolInfo

PriceOf = Callable[[str], Decimal | None]
"""Price of a symbol, as far as the event shows it. Called for the few symbols that are news."""


def no_price(_: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class SymbolNames:
    """Symbols that trade now."""

    source: events.Source
    observed_at: datetime
    symbols: AbstractSet[str]
    complete: bool
    """Whether these are all tradable symbols; otherwise an absent one may trade all the same."""
    price_of: PriceOf = field(default=no_price, compare=False)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Descriptions of all symbols at one moment."""

    source: events.Source
    observed_at: datetime
    symbols: Collection[SymbolInfo]


@dataclass(frozen=True, slots=True)
class Announcement:
    """Symbol that is going to trade, and need not be listed yet."""

    source: events.Source
    observed_at: datetime
    symbol: str
    opens_at: datetime


@dataclass(frozen=True, slots=True)
class FirstTrade:
    """Trade or two-sided book: the symbol trades."""

    source: events.Source
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


Report = Callable[[SourceEvent], Awaitable[bool]]
"""Processes an event; returns whether it was accepted."""


class Source(Protocol):
    @property
    def name(self) -> events.Source:
        """Name of the source in events."""

    async def watch(self, report: Report) -> Never:
        """Report what the exchange shows, through errors of the exchange and the network, until cancelled.

        An error of ours over one frame or answer costs that one; only an error outside of them ends the source.
        """


async def watch_all(sources: Iterable[Source], report: Report, stop: asyncio.Event) -> None:
    """Watch *sources* side by side until *stop* is set; a bug in one of them ends them all."""
    async with asyncio.TaskGroup() as tasks:
        watching = [tasks.create_task(source.watch(report), name=f"source-{source.name}") for source in sources]
        await stop.wait()
        for task in watching:
            task.cancel()
