"""Test by an order test, which weighs next to nothing, whether a symbol takes sales."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from executor.decisions.order_request import sell_request
from executor.decisions.strategy import sale_order
from executor.model import (
    NO_TRADING,
    ExitReason,
    NotOpen,
    Refusal,
    Throttled,
    TimestampRefused,
    WatchedPosition,
    client_order_id,
)
from executor.pricing import Quote
from executor.settings import ExecutorSettings
from executor.venues.response_classifier import refusal_of_test, result_of_test
from shared.events import Listing, Side, TradingRules
from shared.mexc.errors import RateLimited
from shared.mexc.http.request import Admission
from shared.mexc.orders.order_api import MexcTrading
from shared.mexc.time.exchange_clock import ExchangeClock
from shared.mexc.weights import ORDER_TEST_PATH

_NO_ORDER: Final = 0
"""The attempt number of a test: it is no attempt, and has a client order id of its own."""


class SaleTest:
    """One test at a time: a slow answer leaves the other connections to sales."""

    def __init__(
        self,
        trading: MexcTrading,
        clock: ExchangeClock,
        admission: Admission,
        settings: ExecutorSettings,
        *,
        rules: Callable[[Listing], TradingRules | None],
        now: Callable[[], datetime],
    ) -> None:
        """*rules* returns the known rules of a listing's symbol."""
        self._trading = trading
        self._clock = clock
        self._admission = admission
        self._settings = settings
        self._rules = rules
        self._now = now
        self._turn = asyncio.Lock()

    async def passes(self, each: WatchedPosition, quote: Quote) -> bool | None:
        """Return whether a sale of *each* would find its symbol trading; None where the answer leaves that open.

        Raises ExchangeError and ClockUncertainError.
        """
        position = each.position
        order = sale_order(position, position.base_qty, ExitReason.STOP_LOSS, self._settings, self._now())
        name = client_order_id(order.listing_key, order.mode, Side.SELL, order.sequence, attempt=_NO_ORDER)
        best_bid = quote.bids[0].price if quote.bids else None
        request = sell_request(
            replace(order, client_order_id=name), best_bid, self._rules(position.listing), self._settings
        )
        if isinstance(request, Refusal):
            return None
        async with self._turn, self._admission("POST", ORDER_TEST_PATH):
            answer = await self._trading.test_order(request, now_ms=self._clock.now_ms())
            result = result_of_test(answer)
            if isinstance(result, Throttled):
                raise RateLimited(result.wait_seconds, banned=result.banned)
        if isinstance(result, TimestampRefused):
            self._clock.suspect()
        if isinstance(result, NotOpen) or refusal_of_test(answer) in NO_TRADING:
            return False
        return True if result is None else None
