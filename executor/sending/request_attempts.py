"""Attempt the request of one order until it comes to something, and never while an earlier one may have been taken."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

import structlog

from executor.decisions.limits import net_of_fee
from executor.decisions.order_corrections import cut_to_money
from executor.decisions.retry_corrections import AttemptContext, RetryCounts
from executor.decisions.retry_policy import RereadRules, move_after_reread, next_move
from executor.model import (
    Order,
    OrderEvent,
    OrderUpdate,
    PriceRefused,
    Reason,
    Refusal,
    Throttled,
    TimestampRefused,
    Unanswered,
    Unsent,
)
from executor.sending.absence_check import Inquiry
from executor.sending.request_builder import BuiltRequest
from executor.sending.sending_parts import SendingParts
from executor.settings import ExecutorSettings
from executor.venues.venue import Attempt
from shared.events import Mode, Side, TradingRules
from shared.mexc.errors import ClockUncertainError
from shared.mexc.orders.order_api import OrderRequest, SignedOrder, order_params
from shared.mexc.payloads import Level

log = structlog.get_logger(__name__)

_WARM_MS: Final = 5
"""An order with a moment is rehearsed this long before it, ten times as long as that takes."""


class _Next(NamedTuple):
    """The next request, and how the order has been helped so far."""

    request: OrderRequest
    rules: TradingRules | None
    counts: RetryCounts
    bids: Sequence[Level]
    """Those that a sale was priced by."""


@dataclass(slots=True)
class _HeldBack:
    """The objection to a request at the moment it was to be written, if there was one."""

    by: OrderUpdate | None = None


class RequestAttempts:
    def __init__(
        self,
        parts: SendingParts,
        settings: ExecutorSettings,
        *,
        now: Callable[[], datetime],
        stopping: Mapping[Side, asyncio.Event],
        inert: SendingParts | None = None,
    ) -> None:
        """Once set, *stopping* ends the attempts of a side.

        *inert* are the same parts for orders that are rehearsed; see `inert_sending`.
        """
        self._parts = parts
        self._settings = settings
        self._now = now
        self._stopping = stopping
        self._inert = None if inert is None else RequestAttempts(inert, settings, now=now, stopping=stopping)

    def made_ahead(self, order: Order) -> BuiltRequest | None:
        """Return the request of *order*, signed, where data at hand allow it; raise ClockUncertainError."""
        built = self._parts.builder.from_data_at_hand(order)
        if not isinstance(built, BuiltRequest):
            return None
        return replace(built, signed=self._parts.venues[order.mode].sign(built.request))

    def _rehearse(self, order: Order, built: BuiltRequest) -> None:
        """Go the way of *order* as far as its first byte, which is not written; there it ends."""
        if self._inert is None or order.mode is not Mode.LIVE:
            return
        leaving = self._inert.run(order, built, None)
        with suppress(StopIteration):
            leaving.send(None)
        leaving.close()

    async def made(self, order: Order) -> BuiltRequest | OrderUpdate:
        """Return the request, after a look at the market where that is needed; or what *order* comes to without it."""
        try:
            made = await self._parts.builder.compose(order)
        except Exception as error:
            log.exception("an order could not be made", symbol=order.symbol, order=order.client_order_id)
            return OrderUpdate(OrderEvent.UNSENT, Refusal(Reason.INTERNAL_ERROR, type(error).__name__))
        if isinstance(made, BuiltRequest):
            return made
        if made.reason is Reason.NO_PRICE and order.is_first_purchase:
            if self._stopping[order.side].is_set():
                return OrderUpdate(OrderEvent.POSTPONED, Refusal(Reason.INTERRUPTED), fires_again=True)
            # There are no offers, or the exchange does not show it any more: it has not opened, whatever was stated.
            return OrderUpdate(OrderEvent.POSTPONED, Refusal(Reason.NOT_OPEN, made.detail or "no price is known"))
        is_unavailable = made.reason is Reason.EXCHANGE_UNAVAILABLE
        return OrderUpdate(OrderEvent.UNSENT if is_unavailable else OrderEvent.DENIED, made)

    async def run(self, order: Order, built: BuiltRequest, at_ms: int | None) -> OrderUpdate:
        """Attempt *order* until that comes to something; nothing is written again before the inquiry allows it."""
        inquiry = None
        try:
            inquiry = self._parts.absence.inquiry(order, self._stopping[order.side])
            following, signed = _Next(built.request, built.rules, RetryCounts(), built.bids), built.signed
            count = 0
            while True:
                request, count = following.request, count + 1
                attempt = await self._attempt(order, request, signed, at_ms)
                signed = at_ms = None
                if isinstance(attempt, OrderUpdate):
                    ended = _unless_closed(order, attempt, following.counts)
                    return replace(ended, request=described(request), attempts=count - 1)
                after = await self._after(order, following, attempt, inquiry)
                if isinstance(after, OrderUpdate):
                    return replace(after, request=described(request), attempts=count, price_max=built.price_max)
                following = after
        except Exception as error:
            # Whatever went wrong, a request may be on its way.
            log.exception("an order was left in the dark", symbol=order.symbol, order=order.client_order_id)
            return OrderUpdate(OrderEvent.UNANSWERED, Refusal(Reason.OUTCOME_UNKNOWN, type(error).__name__))
        finally:
            if inquiry is not None:
                inquiry.end()

    async def _after(self, order: Order, sent: _Next, attempt: Attempt, inquiry: Inquiry) -> OrderUpdate | _Next:
        """Return what *order* came to by *attempt*; or the next request, once it may be written."""
        verdict = attempt.verdict
        throttled = verdict.throttled if isinstance(verdict, Unanswered) else verdict
        if isinstance(throttled, Throttled):
            self._parts.slots.quiet_for(throttled.wait_seconds, banned=throttled.banned)
        rules, builder = sent.rules, self._parts.builder
        fee, now = builder.fee(rules), self._now()
        context = AttemptContext(order, sent.request, rules, sent.counts, now, self._settings, fee, sent.bids)
        move = next_move(attempt.verdict, context)
        if isinstance(move, RereadRules):
            is_price = isinstance(attempt.verdict, PriceRefused)
            reread = await builder.reread(order, price=is_price, is_needed=move.is_needed)
            rules = reread.rules or rules
            context = replace(context, now=self._now(), fee=builder.fee(rules))
            move = move_after_reread(attempt.verdict, context, reread)
        if isinstance(move, OrderUpdate):
            return replace(move, answered_at=attempt.answered_at)
        ended = await inquiry.wait_before(move, written=not isinstance(attempt.verdict, Unsent))
        if ended is None and self._stopping[order.side].is_set():
            ended = OrderUpdate(OrderEvent.LAPSED, Refusal(Reason.INTERRUPTED))
        if ended is not None:
            answered_at = None if ended.event is OrderEvent.ACCEPTED else attempt.answered_at
            return replace(_unless_closed(order, ended, move.counts), answered_at=answered_at)
        affordable = cut_to_money(move.request, net_of_fee(order.quote_qty, context.fee), rules)
        if isinstance(affordable, Refusal):
            return OrderUpdate(OrderEvent.DENIED, affordable, answered_at=attempt.answered_at)
        return _Next(affordable, rules, move.counts, sent.bids)

    async def _attempt(
        self, order: Order, request: OrderRequest, ahead: SignedOrder | None, at_ms: int | None
    ) -> Attempt | OrderUpdate:
        """Send *request* once, at *at_ms* where that is ahead; return what *order* comes to where that may not be.

        It is sent as it was signed *ahead*, unless that is long ago.
        """
        signed: SignedOrder | Attempt | None = ahead
        if at_ms is not None:
            signed = self._signed(order, request, at_ms if at_ms > self._parts.time.now_ms() else None)
            await self._parts.time.reach(at_ms - _WARM_MS)
            self._rehearse(order, BuiltRequest(request, None))
            await self._parts.time.reach(at_ms)
        if isinstance(signed, Attempt):
            return signed
        left_seconds = (order.send_until - self._now()).total_seconds()
        stopping = self._stopping[order.side]
        async with self._parts.slots.slot(order.side, seconds_max=left_seconds, stop=stopping) as may_begin:
            if not may_begin:
                return self._unbegun(order)
            half_window_ms = self._settings.recv_window_ms / 2
            # One that was signed that long ago might arrive too late.
            if signed is None or self._parts.time.now_ms() - signed.timestamp_ms > half_window_ms:
                signed = self._signed(order, request)
            if (objected := self._parts.presend.objection(order)) is not None:
                return objected
            if isinstance(signed, Attempt):
                return signed
            began, held_back = self._now(), _HeldBack()
            attempt = await self._parts.venues[order.mode].send(
                order, signed, partial(self._may_write, order, held_back)
            )
            if not isinstance(attempt.verdict, Unsent):
                self._parts.sent(order, began, attempt.answered_at)
                return attempt
            # What held it back may have passed by now. Else the request did not leave for a reason of the connection.
            return held_back.by or self._parts.presend.objection(order) or attempt

    def _may_write(self, order: Order, held_back: _HeldBack) -> bool:
        """Return whether *order* may be written now; keep the objection in *held_back* where it may not."""
        held_back.by = self._parts.presend.objection(order)
        return held_back.by is None

    def _signed(self, order: Order, request: OrderRequest, at_ms: int | None = None) -> SignedOrder | Attempt:
        try:
            return self._parts.venues[order.mode].sign(request, at_ms=at_ms)
        except ClockUncertainError as error:
            return Attempt(TimestampRefused(str(error)), self._now(), is_written=False)

    def _unbegun(self, order: Order) -> OrderUpdate:
        """Return what an order comes to that got no turn."""
        if self._stopping[order.side].is_set():
            return OrderUpdate(OrderEvent.LAPSED, Refusal(Reason.INTERRUPTED))
        objection = self._parts.presend.objection(order)
        if objection is not None and objection.event is OrderEvent.LAPSED:
            return objection
        return OrderUpdate(OrderEvent.DENIED, Refusal(Reason.TOO_MANY_REQUESTS, "the exchange wants quiet"))


def _unless_closed(order: Order, ended: OrderUpdate, counts: RetryCounts) -> OrderUpdate:
    """Return what follows where nothing more is sent: an order that found its symbol closed until then waits for it.

    Where only our own end cuts it short, the next executor tries at once. Not one that was taken before: a further
    attempt waits for no opening.
    """
    if ended.event is not OrderEvent.LAPSED or not counts.not_open or not order.is_first_purchase:
        return ended
    if ended.reason is Reason.INTERRUPTED:
        return replace(ended, event=OrderEvent.POSTPONED, fires_again=True)
    why = Refusal(Reason.NOT_OPEN, "its time was over before another attempt")
    return replace(ended, event=OrderEvent.POSTPONED, why=why)


def described(request: OrderRequest) -> dict[str, str]:
    """Return *request* in the exchange's words, as the journal keeps it."""
    return dict(order_params(request))
