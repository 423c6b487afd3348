"""A dry run of the exchange: the order book tells what an order would have got, and nothing is bought.

The book is asked for at the moment at which the order would have been written, so both requests take the same time to
arrive and what comes back is the book that the order would have met. With API keys the exchange checks the
very request.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Final, Protocol

from executor.answers import verdict_of_test
from executor.order import Order
from executor.paper import walk
from executor.reasons import Reason
from executor.venue import Absent, Attempt, Finding, Ready
from executor.verdicts import Executed, Refused, Unsent, Untimely, Verdict
from shared.events import Side
from shared.mexc.errors import ExchangeRejected, ExchangeUnavailable, NotSent, OutcomeUnknown, RateLimited
from shared.mexc.order_transport import MayWrite
from shared.mexc.payloads import OrderBook
from shared.mexc.timekeeper import ExchangeClock
from shared.mexc.trading import MexcTrading, OrderRequest, SignedOrder

BOOK_LEVELS: Final = 500
_UNKNOWN_SYMBOL: Final = frozenset({-1121, 30014, 730001})


class OrderBooks(Protocol):
    async def depth(self, symbol: str, limit: int) -> OrderBook:
        """Return the book of *symbol*; raise ExchangeUnavailable, ExchangeRejected or RateLimited."""


@dataclass(frozen=True, slots=True)
class Checking:
    """What it takes to have an order checked."""

    trading: MexcTrading
    clock: ExchangeClock


class DryRun:
    """A `Venue` that spends nothing. Without keys, and for sales, only the book is asked."""

    def __init__(
        self, books: OrderBooks, checking: Checking | None, *, taker_fee: Decimal, now: Callable[[], datetime]
    ) -> None:
        self._books = books
        self._checking = checking
        self._taker_fee = taker_fee
        self._now = now

    def prepare(self, order: Order, request: OrderRequest, /, *, at_ms: int | None = None) -> Ready:
        # The account does not hold what was only bought on paper: any sale of it would be refused.
        checking = self._checking if request.side is Side.BUY else None
        if checking is None:
            return partial(self._unchecked, order, request)
        now_ms = checking.clock.now_ms()
        signed = checking.trading.sign(request, now_ms=now_ms if at_ms is None else at_ms, test=True)
        return partial(self._checked, order, request, signed, checking)

    async def look_up(self, _: Order, /) -> Finding:
        """A dry run leaves no order behind."""
        return Absent()

    async def cancel(self, _: Order, _exchange_order_id: str, /) -> None:
        """There is nothing to end."""

    async def _unchecked(self, order: Order, request: OrderRequest, _: MayWrite) -> Attempt:
        verdict = await self._executed(order, request)
        return Attempt(verdict, self._now())

    async def _checked(
        self, order: Order, request: OrderRequest, signed: SignedOrder, checking: Checking, may_write: MayWrite
    ) -> Attempt:
        async with asyncio.TaskGroup() as tasks:
            filling = tasks.create_task(self._executed(order, request), name=f"depth-{request.symbol}")
            # On a warm line this writes the request before it first waits, so the order leaves ahead of the task above.
            objection = await self._objection(signed, checking, may_write)
            answered_at = self._now()
            if objection is not None:
                filling.cancel()
        return Attempt(objection or filling.result(), answered_at)

    async def _objection(self, signed: SignedOrder, checking: Checking, may_write: MayWrite) -> Verdict | None:
        try:
            answer = await checking.trading.send(signed, may_write)
        except (NotSent, OutcomeUnknown) as error:
            return Unsent(str(error))  # A test that is not answered leaves no order behind.
        verdict = verdict_of_test(answer)
        if isinstance(verdict, Untimely):
            checking.clock.doubt()
        return verdict

    async def _executed(self, order: Order, request: OrderRequest) -> Verdict:
        try:
            book = await self._books.depth(request.symbol, BOOK_LEVELS)
        except ExchangeRejected as error:
            unknown = error.code in _UNKNOWN_SYMBOL
            return Refused(Reason.SYMBOL_UNKNOWN) if unknown else Unsent(str(error))
        except (ExchangeUnavailable, RateLimited) as error:
            return Unsent(str(error))
        levels = book.asks if request.side is Side.BUY else book.bids
        if not levels:
            return Refused(Reason.NO_LIQUIDITY)
        return Executed(walk(levels, request, self._taker_fee, order.listing.quote_asset))
