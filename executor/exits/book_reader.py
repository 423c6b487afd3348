"""The books of the coins that are held, learned at the price of as little of the exchange's weight as will do."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from executor.exits.look_interval import SINGLE_BOOKS_MAX
from executor.market_data.position_prices import PositionPrices
from executor.pricing.valuation import Quote
from shared.mexc.errors import ExchangeError, ExchangeRejected, RateLimited

log = structlog.get_logger(__name__)

LOOK_SECONDS_MAX: Final = 0.25
"""A look waits no longer for an answer; it is used in the next."""
PENDING_SECONDS: Final = 0.1
"""Between looks while an answer is awaited."""
DEEP_MAX: Final = 6
"""Books a look, where the best prices leave anything open; the others have their turn in the next looks."""


@dataclass(slots=True)
class Quotes:
    """What a look has learned, by symbol. One that is in neither could not be learned this time."""

    known: dict[str, Quote] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    """The exchange does not know these."""


class BookReader:
    def __init__(self, prices: PositionPrices, *, seconds_max: float = LOOK_SECONDS_MAX) -> None:
        self._prices = prices
        self._seconds_max = seconds_max
        self._asked: dict[str, asyncio.Task[Quote | ExchangeError]] = {}
        self._routine: set[str] = set()
        """Those that were asked for as nothing urgent."""
        self._overtaken: set[asyncio.Task[Quote | ExchangeError]] = set()
        self._tops: asyncio.Task[Mapping[str, Quote]] | None = None
        self._looks = 0
        self._seen_in: dict[str, int] = {}
        self._garbled: set[str] = set()

    async def quotes(
        self, symbols: Collection[str], urgent: Collection[str], is_settled: Callable[[str, Quote], bool]
    ) -> Quotes:
        """Return the quotes of *symbols*; of those that *is_settled* by their best prices, only these.

        *urgent* ones, where they are few, wait for no other: what else is answered later is used in the next look.
        Raises RateLimited.
        """
        learned, singly = Quotes(), _singly(symbols, urgent)
        together = set(symbols) - singly
        self._ask(singly, urgent)
        self._ask_together(together, urgent=len(urgent) > SINGLE_BOOKS_MAX)
        hurried = singly & set(urgent)
        await self._waited(hurried, self._seconds_max)
        patience = 0.0 if hurried else self._seconds_max
        if (tops := await self._best_prices(patience if together else 0.0)) is not None:
            known = {symbol: top for symbol, top in tops.items() if symbol in together and is_settled(symbol, top)}
            learned.known = known
            deep = self._next(together - known.keys(), urgent, DEEP_MAX - len(singly))
            self._ask(deep, urgent)
            singly |= set(deep)
        await self._waited(singly, patience)
        for symbol, quote in self._answered().items():
            if symbol not in symbols:
                continue  # Nothing of it is to be judged any more.
            if isinstance(quote, Quote):
                learned.known[symbol] = quote
            elif isinstance(quote, ExchangeRejected) and quote.is_unknown_symbol:
                learned.unknown.add(symbol)
        return learned

    def wait_seconds(self) -> float:
        """Return how soon to look again: soon while an answer is awaited."""
        return PENDING_SECONDS if self._asked or self._tops is not None else float("inf")

    async def close(self) -> None:
        """Give up the questions that are not answered yet."""
        tasks = [*self._asked.values(), *self._overtaken, *([] if self._tops is None else [self._tops])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ask(self, symbols: Collection[str], urgent: Collection[str]) -> None:
        """Ask for the books of *symbols*, the *urgent* ones first, unless that was done and is not answered yet.

        What became urgent meanwhile overtakes: the first may wait long for what the rate limits leave to routine.
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
        """Leave an answer: another was asked for. A refusal of it is kept by the rate limiter."""
        self._overtaken.discard(task)
        if not task.cancelled():
            task.exception()

    def _ask_together(self, symbols: Collection[str], *, urgent: bool) -> None:
        if symbols and self._tops is None:
            self._tops = asyncio.create_task(self._prices.tops(symbols, urgent=urgent), name="quote-tops")

    async def _waited(self, symbols: Collection[str], seconds: float) -> None:
        """Wait for the books of *symbols*, but no longer than that: one slow answer holds up no other."""
        if symbols:
            await asyncio.wait([self._asked[symbol] for symbol in symbols], timeout=seconds)

    async def _best_prices(self, seconds: float) -> Mapping[str, Quote] | None:
        """Return the best prices that were asked for; none where they cannot be learned, so that books are read.

        None where they were not asked for, or may still come: a wait for the rate limits would be as long for books.
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

    def _answered(self) -> Mapping[str, Quote | ExchangeError]:
        """Return the books that are there, whenever they were asked for."""
        done = {symbol: self._asked.pop(symbol) for symbol, task in list(self._asked.items()) if task.done()}
        failures = [error for task in done.values() if (error := task.exception()) is not None]
        if failures:
            raise failures[0]
        return {symbol: task.result() for symbol, task in done.items()}

    def _next(self, symbols: Collection[str], urgent: Collection[str], count: int) -> Sequence[str]:
        """Return whose books to read now: the urgent ones, then those not read for longest."""
        self._looks += 1
        self._seen_in = {symbol: look for symbol, look in self._seen_in.items() if symbol in symbols}
        order = sorted(symbols, key=lambda symbol: (symbol not in urgent, self._seen_in.get(symbol, 0), symbol))
        chosen = order[:count]
        self._seen_in |= dict.fromkeys(chosen, self._looks)
        return chosen

    async def _quote(self, symbol: str, *, urgent: bool) -> Quote | ExchangeError:
        """A fault of one symbol must not hide the others, unless the exchange wants quiet."""
        try:
            quote = await self._prices.book(symbol, urgent=urgent)
        except RateLimited:
            raise
        except ExchangeError as error:
            log.info("the book of a coin was not learned", symbol=symbol, reason=str(error))
            return error
        self._report(symbol, quote)
        return quote

    def _report(self, symbol: str, quote: Quote) -> None:
        """Log, once, that a book holds what cannot be true."""
        if not quote.dropped and not quote.is_crossed:
            self._garbled.discard(symbol)
        elif symbol not in self._garbled:
            self._garbled.add(symbol)
            log.warning("a book makes no sense", symbol=symbol, unreadable=quote.dropped, crossed=quote.is_crossed)


def _singly(symbols: Collection[str], urgent: Collection[str]) -> set[str]:
    """Return of which of *symbols* to read the books at once; the best prices of the others come first."""
    few = set(urgent) if len(urgent) <= SINGLE_BOOKS_MAX else set[str]()
    rest = set(symbols) - few
    return few | rest if len(rest) <= SINGLE_BOOKS_MAX else few
