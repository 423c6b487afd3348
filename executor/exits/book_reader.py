"""Read the books of the coins that are held, with as little of the exchange's weight as possible."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from executor.exits.look_interval import SINGLE_BOOKS_MAX, single_books
from executor.market_data.position_prices import PositionPrices
from executor.pricing import Quote
from shared.mexc.errors import ExchangeError, ExchangeRejected, RateLimited

log = structlog.get_logger(__name__)

LOOK_SECONDS_MAX: Final = 0.25
"""A look waits no longer for an answer; a later one is used in the next look."""
PENDING_SECONDS: Final = 0.1
"""Between looks while an answer is awaited."""
DEEP_MAX: Final = 6
"""Books per look, where the best prices do not decide; the others follow in the next looks."""


@dataclass(slots=True)
class Quotes:
    """Quotes of one look by symbol. A symbol in neither collection could not be read this time."""

    known: dict[str, Quote] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    """The exchange does not know these."""


class BookReader:
    def __init__(self, prices: PositionPrices, *, seconds_max: float = LOOK_SECONDS_MAX) -> None:
        self._prices = prices
        self._seconds_max = seconds_max
        self._asked: dict[str, asyncio.Task[Quote | ExchangeError]] = {}
        self._routine: set[str] = set()
        """Symbols whose books were requested without urgency."""
        self._overtaken: set[asyncio.Task[Quote | ExchangeError]] = set()
        self._tops: asyncio.Task[Mapping[str, Quote]] | None = None
        self._looks = 0
        self._seen_in: dict[str, int] = {}
        self._garbled: set[str] = set()

    async def quotes(
        self, symbols: Collection[str], urgent: Collection[str], is_settled: Callable[[str, Quote], bool]
    ) -> Quotes:
        """Return the quotes of *symbols*; of those that *is_settled* by their best prices, only these.

        *urgent* ones, where they are few, wait for no other: an answer that comes later is used in the next look.
        Raises RateLimited.
        """
        single = single_books(symbols, urgent)
        together = set(symbols) - single
        self._request(single, urgent)
        if together and self._tops is None:
            tops_urgent = len(urgent) > SINGLE_BOOKS_MAX
            self._tops = asyncio.create_task(self._prices.tops(together, urgent=tops_urgent), name="quote-tops")
        hurried = single & set(urgent)
        await self._wait_for(hurried, self._seconds_max)
        wait_seconds = 0.0 if hurried else self._seconds_max
        settled: dict[str, Quote] = {}
        if (tops := await self._best_prices(wait_seconds if together else 0.0)) is not None:
            settled = {symbol: top for symbol, top in tops.items() if symbol in together and is_settled(symbol, top)}
            deep = self._next(together - settled.keys(), urgent, DEEP_MAX - len(single))
            self._request(deep, urgent)
            single |= set(deep)
        await self._wait_for(single, wait_seconds)
        return self._answered(symbols, settled)

    def wait_seconds(self) -> float:
        """Return the time until the next look: short while an answer is awaited."""
        return PENDING_SECONDS if self._asked or self._tops is not None else float("inf")

    async def close(self) -> None:
        """Cancel the requests that are not answered yet."""
        tasks = [*self._asked.values(), *self._overtaken, *([] if self._tops is None else [self._tops])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _request(self, symbols: Collection[str], urgent: Collection[str]) -> None:
        """Request the books of *symbols*, the *urgent* ones first, unless a request is under way.

        A symbol that became urgent meanwhile is requested again: the first request may wait long for the share of the
        rate limits that is left to routine looks.
        """
        for symbol in sorted(symbols, key=lambda symbol: symbol not in urgent):
            is_urgent = symbol in urgent
            if symbol in self._asked and not (is_urgent and symbol in self._routine):
                continue
            if (overtaken := self._asked.pop(symbol, None)) is not None:
                self._overtaken.add(overtaken)
                overtaken.add_done_callback(self._came_late)
            asking = self._quote(symbol, urgent=is_urgent)
            self._asked[symbol] = asyncio.create_task(asking, name=f"quote-{symbol}")
            (self._routine.discard if is_urgent else self._routine.add)(symbol)

    def _came_late(self, task: asyncio.Task[Quote | ExchangeError]) -> None:
        """Drop an answer that a later request replaced; the rate limiter has recorded a refusal."""
        self._overtaken.discard(task)
        if not task.cancelled():
            task.exception()

    async def _wait_for(self, symbols: Collection[str], seconds: float) -> None:
        """Wait for the books of *symbols*, but no longer than *seconds*: one slow answer holds up no other."""
        if symbols:
            await asyncio.wait([self._asked[symbol] for symbol in symbols], timeout=seconds)

    async def _best_prices(self, seconds: float) -> Mapping[str, Quote] | None:
        """Return the best prices that were requested; empty where the request failed, so that books are read.

        None where they were not requested, or may still come: books would wait for the rate limits as long.
        """
        if self._tops is None:
            return None
        done, _ = await asyncio.wait([self._tops], timeout=seconds)
        if not done:
            return None
        tops, self._tops = self._tops, None
        try:
            return tops.result()
        except RateLimited:
            raise
        except ExchangeError as error:
            log.info("the best prices were not learned", reason=str(error))
            return {}

    def _answered(self, symbols: Collection[str], settled: dict[str, Quote]) -> Quotes:
        """Return *settled* and the books that have arrived since, of those in *symbols*."""
        done = {symbol: self._asked.pop(symbol) for symbol, task in list(self._asked.items()) if task.done()}
        failures = [error for task in done.values() if (error := task.exception()) is not None]
        if failures:
            raise failures[0]
        quotes = Quotes(settled)
        for symbol in done.keys() & set(symbols):
            quote = done[symbol].result()
            if isinstance(quote, Quote):
                quotes.known[symbol] = quote
            elif isinstance(quote, ExchangeRejected) and quote.is_unknown_symbol:
                quotes.unknown.add(symbol)
        return quotes

    def _next(self, symbols: Collection[str], urgent: Collection[str], count: int) -> Sequence[str]:
        """Return the symbols whose books to read now: the urgent ones, then those not read for longest."""
        self._looks += 1
        self._seen_in = {symbol: look for symbol, look in self._seen_in.items() if symbol in symbols}
        order = sorted(symbols, key=lambda symbol: (symbol not in urgent, self._seen_in.get(symbol, 0), symbol))
        chosen = order[:count]
        self._seen_in |= dict.fromkeys(chosen, self._looks)
        return chosen

    async def _quote(self, symbol: str, *, urgent: bool) -> Quote | ExchangeError:
        """Read one book; an error of one symbol must not hide the others, unless the exchange limits the rate."""
        try:
            quote = await self._prices.book(symbol, urgent=urgent)
        except RateLimited:
            raise
        except ExchangeError as error:
            log.info("the book of a coin was not learned", symbol=symbol, reason=str(error))
            return error
        if not quote.dropped and not quote.is_crossed:
            self._garbled.discard(symbol)
        elif symbol not in self._garbled:
            self._garbled.add(symbol)
            log.warning("a book makes no sense", symbol=symbol, unreadable=quote.dropped, crossed=quote.is_crossed)
        return quote
