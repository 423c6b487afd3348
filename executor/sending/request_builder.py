"""From an order to the request that is sent: asks for prices and rules where the listing brought none along."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

import structlog

from executor.decisions.market_filters import RereadResult
from executor.decisions.order_request import buy_request, price_bound, sell_request
from executor.market_data.market_views import MarketView, MarketViews
from executor.model import Order, Reason, Refusal
from executor.pricing import plausible, precision_of_bids
from executor.settings import ExecutorSettings
from shared.errors import pause
from shared.events import Listing, Side, TradingRules
from shared.mexc.errors import ExchangeError, ExchangeRejected, RateLimited
from shared.mexc.orders.order_api import OrderRequest, SignedOrder
from shared.mexc.payloads import Level

log = structlog.get_logger(__name__)

_ERRORS_MAX: Final = 3
_LEARNABLE: Final = frozenset({Reason.NO_PRICE, Reason.RULES_UNKNOWN})
"""What asking the exchange may mend."""


@dataclass(frozen=True, slots=True)
class BuiltRequest:
    request: OrderRequest
    rules: TradingRules | None
    price_max: Decimal | None = None
    """The most that a further attempt pays for a coin; None where there may be none, or this is one."""
    bids: tuple[Level, ...] = ()
    """Those that a sale was priced by, best first."""
    signed: SignedOrder | None = None
    """The same down to its last byte, where it was signed already."""


@dataclass(frozen=True, slots=True)
class _KeptOut(Refusal):
    """The refusal while the exchange wants quiet, and no request is sent."""

    quiet_seconds: float = 0.0


Ask = Callable[[Listing], Awaitable[None]]
"""Has the opening of a listing asked for, and waits for the answer, for a moment; it raises nothing."""


async def no_question(_: Listing) -> None:
    """Have nothing asked."""


class RequestBuilder:
    def __init__(
        self,
        markets: MarketViews,
        settings: ExecutorSettings,
        *,
        selling: MarketViews | None = None,
        ask: Ask = no_question,
        now: Callable[[], datetime],
        stopping: Mapping[Side, asyncio.Event],
    ) -> None:
        """*markets* is looked at for purchases, *selling* for sales: the same unless given.

        *ask* requests openings that may be long ago.
        """
        self._markets = markets
        self._fees = markets.fees
        self._selling = selling or markets
        self._ask = ask
        self._settings = settings
        self._now = now
        self._stopping = stopping

    async def compose(self, order: Order) -> BuiltRequest | Refusal:
        """Return what to send for *order*, or why nothing can be; at once where everything needed is at hand.

        Else look at the market until an order can be made; until its time is over where it waits for an opening.
        """
        at_hand = self.from_data_at_hand(order)
        is_doubtful = self._settings.opening_unknown == "ask" and self._markets.may_be_old(order.listing)
        if at_hand is None and is_doubtful and self.from_data_at_hand(order, asked=True) is not None:
            # Only a ticker has shown the coin: the opening is all that lacks. Else it comes along with the market.
            await self._ask(order.listing)
            at_hand = self.too_old(order) or self.from_data_at_hand(order, asked=True)
        if at_hand is not None:
            return at_hand
        errors = 0
        while True:
            composed = await self._looked(order)
            if isinstance(composed, BuiltRequest) or composed.reason not in _WORTH_WAITING:
                return composed
            errors += composed.reason in _ERRORS and not self._quiet_ends_in_time(order, composed)
            wait_seconds = self._settings.retry_every_seconds
            is_over = self._now() + timedelta(seconds=wait_seconds) > order.send_until
            stopping = self._stopping[order.side]
            if is_over or errors >= _ERRORS_MAX or stopping.is_set():
                return composed
            await pause(wait_seconds, stopping)

    def from_data_at_hand(self, order: Order, *, asked: bool = False) -> BuiltRequest | Refusal | None:
        """Return the same from data at hand; None where the exchange must be asked first.

        *asked* where it was, about the opening.
        """
        is_new = order.is_first_purchase and order.fire_at is None
        view = self._markets.at_hand(order.listing, asked=asked) if is_new else None
        if order.side is Side.SELL:
            view = self._selling.sale_at_hand(order)
        composed = None if view is None else self._made(order, view)
        is_learnable = isinstance(composed, Refusal) and composed.reason in _LEARNABLE
        return None if is_learnable else composed

    async def offered(self, order: Order) -> BuiltRequest | Refusal | None:
        """Return what to send for a further attempt of *order*; None while nothing is seen to be offered at its price.

        Refusal where none may follow at all: the coin turns out to be old. It raises nothing.
        """
        try:
            view = await self._markets.look(order)
            if (old := self.too_old(order)) is not None:
                return old
            composed = self._made(order, view)
            if isinstance(composed, Refusal) or composed.request.price is None or view.market.book is None:
                return None
            best_ask = next((level.price for level in plausible(view.market.book.asks)), None)
            if best_ask is not None and best_ask <= composed.request.price:
                return composed
        except ExchangeError as error:
            log.info("what is offered was not learned", symbol=order.symbol, reason=str(error))
        except Exception:
            log.exception("what is offered was not learned", symbol=order.symbol)
        return None

    async def prefetch(self, order: Order) -> None:
        """Prefetch the exchange's rules for *order*, as far as can be: they may have changed since."""
        try:
            await self._markets.rules.read(order.listing)
        except ExchangeError:
            return  # Asked again when it matters.

    async def reread(self, order: Order, *, price: bool, is_needed: bool = True) -> RereadResult:
        """Return what may explain that *order* was refused: the rules as they are now, and the last price.

        A sale waits longer where that *is_needed*.
        """
        return await self._markets_of(order).reread(order, price=price, is_needed=is_needed)

    def fee(self, rules: TradingRules | None) -> Decimal:
        """Return the fee for taking under *rules* that is reckoned with now."""
        return self._fees.of(rules, self._settings.taker_fee)

    def too_old(self, order: Order) -> Refusal | None:
        """Return why *order* is not sent: by exchangeInfo alone its coin opened, long ago."""
        return self._markets.refusal_if_too_old(order.listing, self._now()) if order.side is Side.BUY else None

    def _quiet_ends_in_time(self, order: Order, refusal: Refusal) -> bool:
        """Return whether *order* is a purchase that only a quiet keeps out, which ends in its time."""
        if order.side is not Side.BUY or not isinstance(refusal, _KeptOut):
            return False
        return self._now() + timedelta(seconds=refusal.quiet_seconds) < order.send_until

    async def _looked(self, order: Order) -> BuiltRequest | Refusal:
        try:
            view = await self._markets_of(order).look(order)
            return self.too_old(order) or self._made(order, view)
        except ExchangeRejected as error:
            if error.is_unknown_symbol:
                return Refusal(Reason.SYMBOL_UNKNOWN if order.fire_at is None else Reason.NO_PRICE, str(error))
            return Refusal(Reason.EXCHANGE_UNAVAILABLE, str(error))
        except RateLimited as error:
            return _KeptOut(Reason.TOO_MANY_REQUESTS, str(error), error.quiet_seconds)
        except ExchangeError as error:
            return Refusal(Reason.EXCHANGE_UNAVAILABLE, str(error))

    def _markets_of(self, order: Order) -> MarketViews:
        return self._markets if order.side is Side.BUY else self._selling

    def _made(self, order: Order, view: MarketView) -> BuiltRequest | Refusal:
        if order.side is Side.BUY:
            request = buy_request(order, view.market, view.rules, self._settings, self.fee(view.rules))
            if isinstance(request, Refusal):
                return request
            bound = price_bound(request, view.market.reference, self._settings) if order.attempt == 1 else None
            return BuiltRequest(request, view.rules, bound)
        bids = () if view.market.book is None else tuple(plausible(view.market.book.bids))
        best_bid, rules = bids[0].price if bids else None, view.rules
        if rules is None and bids and order.base_qty:
            rules = precision_of_bids(bids, order.base_qty)
        request = sell_request(order, best_bid, rules, self._settings, last=view.market.last)
        return request if isinstance(request, Refusal) else BuiltRequest(request, rules, bids=bids)


_ERRORS: Final = frozenset({Reason.EXCHANGE_UNAVAILABLE, Reason.TOO_MANY_REQUESTS})
_WORTH_WAITING: Final = _ERRORS | {Reason.NO_PRICE}
