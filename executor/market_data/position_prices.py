"""Prices of positions: routine and urgent looks have rate limits of their own, and their books price the sales."""

import time
from collections.abc import Callable, Collection, Mapping
from decimal import Decimal
from typing import Final

from executor.pricing import Quote, quote_of
from shared.mexc.market_data import MexcMarketData
from shared.mexc.payloads import BookTicker, Level, OrderBook

BOOK_LEVELS: Final = 100
BOOK_SECONDS: Final = 0.5
"""The greatest age of a book that prices a sale: the look that found it due has just read it."""


class RecentBooks:
    """The books that were read last, by symbol."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._books: dict[str, tuple[OrderBook, float]] = {}

    def keep(self, books: Mapping[str, OrderBook]) -> None:
        """Keep *books*, which were read now, and forget those that are too old to be used."""
        at = self._clock()
        self._books = {symbol: seen for symbol, seen in self._books.items() if at - seen[1] <= BOOK_SECONDS}
        self._books |= {symbol: (book, at) for symbol, book in books.items()}

    def of(self, symbol: str) -> OrderBook | None:
        """Return the book of *symbol* where it is no older than BOOK_SECONDS."""
        book, read_at = self._books.get(symbol, (None, 0.0))
        return book if self._clock() - read_at <= BOOK_SECONDS else None


class PositionPrices:
    """Reads books and best prices. Raises ExchangeError."""

    def __init__(self, routine: MexcMarketData, urgent: MexcMarketData, recent: RecentBooks) -> None:
        self._routine = routine
        self._urgent = urgent
        self._recent = recent

    async def tops(self, symbols: Collection[str], *, urgent: bool) -> Mapping[str, Quote]:
        """Return the best bid and ask of those of *symbols* that the exchange quotes, by one request for all."""
        tickers = await self._rest(urgent=urgent).book_tickers()
        books = {each.symbol: _top(each) for each in tickers if each.symbol in symbols}
        self._recent.keep(books)
        return {symbol: quote_of(book) for symbol, book in books.items()}

    async def book(self, symbol: str, *, urgent: bool) -> Quote:
        """Return the book of *symbol* as deep as a sale may reach."""
        book = await self._rest(urgent=urgent).depth(symbol, BOOK_LEVELS)
        self._recent.keep({symbol: book})
        return quote_of(book)

    def keep(self, symbol: str, quote: Quote) -> None:
        """Let a sale of *symbol* be priced by *quote*, which a stream has just shown."""
        self._recent.keep({symbol: OrderBook(quote.bids, quote.asks)})

    def _rest(self, *, urgent: bool) -> MexcMarketData:
        return self._urgent if urgent else self._routine


def _top(ticker: BookTicker) -> OrderBook:
    return OrderBook(_side(ticker.bid_price, ticker.bid_qty), _side(ticker.ask_price, ticker.ask_qty))


def _side(price: Decimal | None, quantity: Decimal | None) -> tuple[Level, ...]:
    return () if price is None or quantity is None else (Level(price, quantity),)
