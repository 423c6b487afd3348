"""Ask by the test of an order, which weighs next to nothing, whether a symbol takes sales."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Final

from executor.decisions.order_drafts import sale
from executor.decisions.order_request import sell_request
from executor.model.client_order_id import client_order_id
from executor.model.order import ExitReason
from executor.model.reasons import Refusal
from executor.model.send_result import Busy, NotOpen, Untimely
from executor.model.watched_position import NO_TRADING, Held
from executor.pricing.valuation import Quote
from executor.settings import ExecutorSettings
from executor.venues.response_classifier import refusal_of_test, verdict_of_test
from shared.events import Listing, Side, TradingRules
from shared.mexc.errors import RateLimited
from shared.mexc.http.request import Admission
from shared.mexc.orders.order_api import MexcTrading
from shared.mexc.time.exchange_clock import ExchangeClock
from shared.mexc.weights import ORDER_TEST_PATH

_NO_ORDER: Final = 0
"""Counts attempts of a sale: its test is none, and goes by a name of its own."""


class SaleTest:
    """One at a time: a test whose answer is slow leaves the other lines to sales."""

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
        """*rules* returns what is known of the rules of a listing's symbol."""
        self._trading = trading
        self._clock = clock
        self._admission = admission
        self._settings = settings
        self._rules = rules
        self._now = now
        self._turn = asyncio.Lock()

    async def passes(self, each: Held, quote: Quote) -> bool | None:
        """Return whether a sale of *each* would find its symbol trading; None where the answer does not say.

        Raises ExchangeError and ClockUncertainError.
        """
        position = each.position
        order = sale(position, position.base_qty, ExitReason.STOP_LOSS, self._settings, self._now())
        name = client_order_id(order.listing_key, order.mode, Side.SELL, order.sequence, attempt=_NO_ORDER)
        best_bid = quote.bids[0].price if quote.bids else None
        request = sell_request(
            replace(order, client_order_id=name), best_bid, self._rules(position.listing), self._settings
        )
        if isinstance(request, Refusal):
            return None
        async with self._turn, self._admission("POST", ORDER_TEST_PATH):
            answer = await self._trading.test_order(request, now_ms=self._clock.now_ms())
            verdict = verdict_of_test(answer)
            if isinstance(verdict, Busy):
                raise RateLimited(verdict.wait_seconds, banned=verdict.banned)
        if isinstance(verdict, Untimely):
            self._clock.suspect()
        if isinstance(verdict, NotOpen) or refusal_of_test(answer) in NO_TRADING:
            return False
        return True if verdict is None else None
