"""Dry run: an order is filled by the order book of the moment, and nothing is bought.

The book is requested at the moment at which the order would have been written, so both requests take the same time to
arrive and what comes back is the book that the order would have met, less what paper orders took from it already. It is
filled only where the exchange would have taken the order: by what exchangeInfo and trades, which are requested beside
the book, show of the symbol. With API keys the exchange checks the very request, too.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from executor.model import Executed, NotOpen, Order, Reason, Rejected, SendResult, TimestampRefused, Unsent, keep_newest
from executor.pricing import Book, PaperFootprint, TakerFees, quote_of, simulated_fill, take_levels
from executor.settings import ExecutorSettings
from executor.venues.error_codes import result_of_code
from executor.venues.paper.market import Met, PaperMarket, Questions
from executor.venues.paper.order_acceptance import Closed, closed, would_be_taken
from executor.venues.response_classifier import result_of_test
from executor.venues.venue import EVERY_WAY, Absent, Attempt, Finding, Way
from shared.events import Side
from shared.mexc.errors import ExchangeRejected, ExchangeUnavailable, NotSent, OutcomeUnknown, RateLimited
from shared.mexc.orders.order_api import MayWrite, MexcTrading, OrderRequest, SignedOrder
from shared.mexc.time.exchange_clock import ExchangeClock

_FIRST_AGAIN_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Checking:
    """The means to have an order checked."""

    trading: MexcTrading
    clock: ExchangeClock


@dataclass(frozen=True, slots=True)
class _Closed:
    """A symbol that takes no order of a side, until when that need not be asked again, and the wait that led to it."""

    verdict: SendResult
    until: float
    seconds: float


class DryRun:
    """A `Venue` that spends nothing. Without keys, and for sales, it requests market data only.

    Each side has questions of its own: sales never queue behind purchases.
    """

    def __init__(
        self,
        questions: Mapping[Side, Questions],
        checking: Checking | None,
        *,
        footprint: PaperFootprint,
        settings: ExecutorSettings,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._checking = checking
        self._footprint = footprint
        self._settings = settings
        self._now = now
        self._clock = clock
        self._markets = {
            side: PaperMarket(each, state_seconds=settings.paper_state_seconds, now=now, clock=clock)
            for side, each in questions.items()
        }
        self._fees = {side: TakerFees(clock) for side in Side}
        self._closed: dict[Book, _Closed] = {}

    def sign(self, request: OrderRequest, /, *, at_ms: int | None = None) -> SignedOrder:
        # The account does not hold coins bought on paper: any sale of them would be rejected.
        checking = self._checking if request.side is Side.BUY else None
        if checking is None:
            return SignedOrder.on_paper(request, int(self._now().timestamp() * 1000) if at_ms is None else at_ms)
        now_ms = checking.clock.now_ms()
        return checking.trading.sign(request, now_ms=now_ms if at_ms is None else at_ms, test=True)

    async def send(self, order: Order, signed: SignedOrder, may_write: MayWrite, /) -> Attempt:
        request, checking = signed.request, self._checking
        if checking is None or not signed.query:
            met = await self._met(order, request)
            return Attempt(self._judged(order, request, met), met.at if isinstance(met, Met) else self._now())
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(self._met(order, request), name=f"depth-{request.symbol}")
            # On a warm line this writes the request before it first waits, so the order leaves ahead of the task above.
            objection = await self._objection(signed, checking, may_write)
            answered_at = self._now()
            if objection is not None:
                looking.cancel()
        # Nothing leaves a footprint before the exchange has agreed.
        return Attempt(objection or self._judged(order, request, looking.result()), answered_at)

    async def look_up(self, _: Order, _ways: Collection[Way] = EVERY_WAY, /, **_has_ended: bool) -> Finding:
        """A dry run leaves no order behind."""
        return Absent()

    async def balance(self, _: str, /) -> None:
        """Nothing of a dry run shows in an account."""

    async def cancel(self, _: Order, _exchange_order_id: str, /) -> None:
        """There is nothing to end."""

    async def _objection(self, signed: SignedOrder, checking: Checking, may_write: MayWrite) -> SendResult | None:
        try:
            answer = await checking.trading.post(signed, may_write=may_write)
        except (NotSent, OutcomeUnknown) as error:
            return Unsent(str(error))  # A test that is not answered leaves no order behind.
        verdict = result_of_test(answer)
        if isinstance(verdict, TimestampRefused):
            checking.clock.doubt()
        return verdict

    async def _met(self, order: Order, request: OrderRequest) -> Met | SendResult:
        """Return what *request* meets; or at once the verdict of a moment ago, on a symbol that was closed then."""
        known = self._closed.get((request.symbol, request.side))
        if known is not None and self._clock() < known.until:
            return known.verdict
        try:
            return await self._markets[request.side].meet(order, request)
        except ExchangeRejected as error:
            result = result_of_code(error.code, error.message)
            return result if _is_of_symbol(result) else Unsent(str(error))
        except (ExchangeUnavailable, RateLimited) as error:
            return Unsent(str(error))

    def _judged(self, order: Order, request: OrderRequest, met: Met | SendResult) -> SendResult:
        if not isinstance(met, Met):
            return met
        shut = closed(request.side, met.seen, self._now())
        self._remember((request.symbol, request.side), shut)
        if shut is not None:
            return shut.verdict
        after_seconds = self._settings.market_after_seconds
        verdict = would_be_taken(request, met.seen, self._now(), market_after_seconds=after_seconds)
        if verdict is not None:
            return verdict
        is_buy = request.side is Side.BUY
        side = (request.symbol, Side.SELL if is_buy else Side.BUY)
        quote = quote_of(met.seen.book)
        shown = quote.asks if is_buy else quote.bids
        if not shown:
            return Rejected(Reason.NO_LIQUIDITY)
        got = take_levels(self._footprint.remaining(side, shown, self._clock()), request)
        self._footprint.take(side, got.levels, self._clock())
        fee = self._fees[request.side].of(met.seen.rules, self._settings.taker_fee)
        return Executed(simulated_fill(got, fee, order.listing.quote_asset))

    def _remember(self, name: Book, shut: Closed | None) -> None:
        """Ask again soon at first, then less often, about a symbol that is closed."""
        before = self._closed.pop(name, None)
        if shut is None:
            return
        seconds = min(shut.seconds, _FIRST_AGAIN_SECONDS if before is None else 2 * before.seconds)
        keep_newest(self._closed, name, _Closed(shut.verdict, self._clock() + seconds, seconds))


def _is_of_symbol(verdict: SendResult) -> bool:
    """Return whether a refusal to show the market would be the same for an order on its symbol."""
    if isinstance(verdict, Rejected):
        return not verdict.stop and verdict.reason is not Reason.PAIR_REFUSED
    return isinstance(verdict, NotOpen)
