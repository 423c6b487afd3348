"""Place an order on paper: the exchange checks the very request, and its order book tells what it would have got."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

from executor.answers import is_untimely, objection
from executor.limits import net_of_fee
from executor.order import Miss, Order, Outcome, failed, rejected, unavailable
from executor.paper import Fill, fill
from executor.reasons import Reason
from shared.mexc.clock import ClockUncertainError
from shared.mexc.errors import ExchangeRejected, ExchangeUnavailable, NotSent, OutcomeUnknown, RateLimited
from shared.mexc.order_transport import Answer
from shared.mexc.payloads import OrderBook
from shared.mexc.trading import OrderRequest

BOOK_LEVELS: Final = 500
_UNKNOWN_SYMBOL: Final = frozenset({-1121, 30014, 730001})


class OrderCheck(Protocol):
    """Has orders checked, and cannot place them."""

    async def test_order(self, order: OrderRequest, *, now_ms: int) -> Answer:
        """Return the exchange's answer; raise NotSent or OutcomeUnknown."""


class Clock(Protocol):
    """The exchange's, by which orders are signed."""

    def now_ms(self) -> int:
        """Return its time in milliseconds; raise ClockUncertainError where that is not known well enough."""

    def doubt(self) -> None:
        """Hear that the exchange did not agree with a time that was told."""


@dataclass(frozen=True, slots=True)
class Checking:
    """What it takes to have an order checked."""

    orders: OrderCheck
    clock: Clock


class OrderBooks(Protocol):
    async def depth(self, symbol: str, limit: int) -> OrderBook:
        """Return the book of *symbol*; raise ExchangeUnavailable, ExchangeRejected or RateLimited."""


class DryRun:
    """Spends nothing. Without a way to have orders checked, as without API keys, only the book is asked."""

    def __init__(
        self, books: OrderBooks, checking: Checking | None, *, taker_fee: Decimal, now: Callable[[], datetime]
    ) -> None:
        self._books = books
        self._checking = checking
        self._taker_fee = taker_fee
        self._now = now

    async def place(self, order: Order) -> Outcome:
        """Return what would have come of *order*. Nothing happens at the exchange, so it may be called again."""
        amount = net_of_fee(order.quote_qty, self._taker_fee)
        if self._checking is None:
            result = await self._paper_fill(order.symbol, amount)
            return Outcome(result, self._now())
        async with asyncio.TaskGroup() as tasks:
            filling = tasks.create_task(self._paper_fill(order.symbol, amount), name=f"depth-{order.symbol}")
            # On a warm line this writes the request before it first waits, so the order leaves ahead of the task above.
            miss = await self._objection(self._checking, _request(order, amount))
            answered_at = self._now()
            if miss is not None:
                filling.cancel()
        return Outcome(miss or filling.result(), answered_at)

    async def _objection(self, checking: Checking, request: OrderRequest) -> Miss | None:
        try:
            answer = await checking.orders.test_order(request, now_ms=checking.clock.now_ms())
        except ClockUncertainError as error:
            return failed(Reason.CLOCK_UNCERTAIN, str(error))
        except (NotSent, OutcomeUnknown) as error:
            return unavailable(str(error))
        if is_untimely(answer):
            checking.clock.doubt()
        return objection(answer)

    async def _paper_fill(self, symbol: str, amount: Decimal) -> Fill | Miss:
        try:
            book = await self._books.depth(symbol, BOOK_LEVELS)
        except ExchangeRejected as error:
            return rejected(Reason.SYMBOL_UNKNOWN) if error.code in _UNKNOWN_SYMBOL else unavailable(str(error))
        except (ExchangeUnavailable, RateLimited) as error:
            return unavailable(str(error))
        return fill(book.asks, amount, self._taker_fee) or rejected(Reason.NO_LIQUIDITY)


def _request(order: Order, amount: Decimal) -> OrderRequest:
    return OrderRequest(
        symbol=order.symbol,
        side=order.side,
        type="MARKET",
        client_order_id=order.client_order_id,
        quote_order_qty=amount,
    )
