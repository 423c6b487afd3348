"""The market as a paper order meets it: the book of the moment, and beside it the exchange's state of the symbol."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol, TypeVar

import structlog

from executor.model import Order, keep_newest
from executor.venues.paper.order_acceptance import MarketSight, needs_trades
from shared.mexc.errors import ExchangeError
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import OrderBook, PublicTrade
from shared.mexc.symbols import SymbolInfo

log = structlog.get_logger(__name__)

BOOK_LEVELS: Final = 500
ASIDE_SECONDS_MAX: Final = 1.0
"""The longest wait for an answer beside the book."""

T = TypeVar("T")


class Questions(Protocol):
    """Each raises ExchangeUnavailable, ExchangeRejected or RateLimited."""

    async def depth(self, symbol: str, limit: int) -> OrderBook:
        """Return the book of *symbol*."""

    async def symbol_rules(self, symbol: str) -> SymbolInfo | None:
        """Return what exchangeInfo says of *symbol*; None where the exchange does not know it."""

    async def recent_trades(self, symbol: str, limit: int) -> Sequence[PublicTrade]:
        """Return the last trades of *symbol*, oldest first."""


@dataclass(frozen=True, slots=True)
class SymbolState:
    """What exchangeInfo said of a symbol; no info: that there is no such symbol."""

    info: SymbolInfo | None
    at: float


class SymbolStates:
    """The answers of exchangeInfo, each requested again once it is older than *seconds_max*."""

    def __init__(self, questions: Questions, seconds_max: float, clock: Callable[[], float]) -> None:
        self._questions = questions
        self._seconds_max = seconds_max
        self._clock = clock
        self._known: dict[str, SymbolState] = {}

    async def read(self, symbol: str) -> SymbolState:
        """Return the latest answer about *symbol*; raise ExchangeError where it is requested in vain."""
        known = self._known.get(symbol)
        if known is not None and self._clock() - known.at <= self._seconds_max:
            return known
        state = SymbolState(await self._questions.symbol_rules(symbol), self._clock())
        keep_newest(self._known, symbol, state)
        return state


@dataclass(frozen=True, slots=True)
class Met:
    """What an order met, and when the book was there: the moment of the answer that a live order would have had."""

    seen: MarketSight
    at: datetime


class PaperMarket:
    def __init__(
        self,
        questions: Questions,
        *,
        state_seconds: float,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._questions = questions
        self._states = SymbolStates(questions, state_seconds, clock)
        self._now = now

    async def meet(self, order: Order, request: OrderRequest) -> Met:
        """Ask for the book, at once, and beside it for whatever is not known yet; raise the error of the book's answer.

        No request after the book changes the price at which the order would have been filled.
        """
        beside = self._aside(self._states.read, request.symbol)
        (book, at), state = await asyncio.gather(self._book(request.symbol), beside)
        if isinstance(book, ExchangeError):
            raise book
        info = None if state is None else state.info
        seen = MarketSight.of(order.listing, book, info, is_known=state is None or info is not None)
        if not needs_trades(request, seen, at):
            return Met(seen, at)
        trades = await self._aside(lambda symbol: self._questions.recent_trades(symbol, 1), request.symbol)
        if trades is None:
            return Met(seen, at)
        last = trades[-1].price if trades else None
        return Met(replace(seen, has_traded=bool(trades), last=last), at)

    async def _book(self, symbol: str) -> tuple[OrderBook | ExchangeError, datetime]:
        try:
            book: OrderBook | ExchangeError = await self._questions.depth(symbol, BOOK_LEVELS)
        except ExchangeError as error:
            book = error
        return book, self._now()

    async def _aside(self, ask: Callable[[str], Awaitable[T]], symbol: str) -> T | None:
        try:
            async with asyncio.timeout(ASIDE_SECONDS_MAX):
                return await ask(symbol)
        except (ExchangeError, TimeoutError) as error:
            log.info("what a paper order goes by was not learned", symbol=symbol, reason=repr(error))
            return None
