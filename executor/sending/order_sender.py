"""Send a committed order: make the request, attempt it while certainly no order came of it, record the outcome."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

import structlog

from executor.decisions.limits import net_of_fee
from executor.decisions.order_request import within
from executor.decisions.retry_policy import Again, Conclusion, Reread, Situation, Tries, next_move, reconsidered
from executor.halts.latches import Cause
from executor.journal.order_transitions import NOTHING_MORE, OrderTransitions, Told
from executor.journal.storable_text import in_ascii
from executor.model.order import Order
from executor.model.order_state import OrderEvent
from executor.model.reasons import Reason, Refusal, worded
from executor.model.send_result import Busy, TooDear, Unanswered, Unsent, Untimely
from executor.rate_limits.order_slots import OrderSlots
from executor.sending.absence_check import AbsenceCheck, Found, Inquiry, Undecided
from executor.sending.exchange_time import ExchangeTime
from executor.sending.presend_check import PresendCheck
from executor.sending.request_builder import BuiltRequest, RequestBuilder
from executor.settings import ExecutorSettings
from executor.venues.venue import Attempt, Ready, Venue
from shared.backoff import jittered
from shared.bus.tracing import ordering
from shared.errors import TransientError
from shared.events import Mode, Side
from shared.log_context import about
from shared.mexc.orders.order_api import OrderRequest, order_params
from shared.mexc.time.clock_estimate import ClockUncertainError

log = structlog.get_logger(__name__)

_RECORD_SECONDS_MAX: Final = 1.0

Latch = Callable[[Cause, Mode | None, str], None]
"""Halts trading until an operator resumes; it holds at once, whether or not the database takes it."""


class Further(Protocol):
    def takes(self, order: Order, conclusion: Conclusion, told: Told) -> bool:
        """Take *order*, which got nothing, in charge where another attempt may follow."""

    def has_in_charge(self, order: Order) -> bool:
        """Tell whether an attempt of *order* is about to follow."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What orders are sent by."""

    venues: Mapping[Mode, Venue]
    composer: RequestBuilder
    gate: PresendCheck
    pace: OrderSlots
    moments: ExchangeTime
    absence: AbsenceCheck
    books: OrderTransitions
    further: Further
    latch: Latch
    sent: Callable[[Order, datetime, datetime | None], None] = lambda *_: None
    """Told of each request that left, when, and when it was answered."""


@dataclass(frozen=True, slots=True)
class _Signed:
    """A request down to its last byte, with the exchange's time in it."""

    ready: Ready
    at_ms: int


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What was made of an order before it was committed."""

    order: Order
    composed: BuiltRequest
    signed: _Signed


@dataclass(frozen=True, slots=True)
class _Objected:
    """Nothing was sent, for a reason of ours."""

    conclusion: Conclusion


class OrderSender:
    """Sends each order it is given, in such a way that no two orders can come of it."""

    def __init__(
        self, ways: Ways, settings: ExecutorSettings, *, now: Callable[[], datetime], stopping: asyncio.Event
    ) -> None:
        self._ways = ways
        self._settings = settings
        self._now = now
        self._stopping = stopping
        self._in_hand: set[str] = set()
        self._ahead: _Ahead | None = None
        self.recorded = asyncio.Event()
        """Set whenever an order was handed on to whoever looks it up."""

    def has_in_hand(self, order: Order) -> bool:
        """Whether this process is sending *order*, and so knows best what becomes of it."""
        return order.client_order_id in self._in_hand or self._ways.further.has_in_charge(order)

    def banned_seconds(self) -> float:
        """Return for how long the exchange wants to be asked nothing at all."""
        return self._ways.pace.banned_seconds()

    def has_line(self, side: Side) -> bool:
        """Return whether an order of *side* could leave at once, as far as others of ours matter."""
        return self._ways.pace.has_line(side)

    def prepare(self, order: Order) -> None:
        """Make *order* ready to be placed next, from what is at hand. Nothing leaves; what fails here fails there."""
        try:
            composed = self._ways.composer.at_once(order)
            if isinstance(composed, BuiltRequest) and isinstance(
                signed := self._signed(order, composed.request), _Signed
            ):
                self._ahead = _Ahead(order, composed, signed)
        except Exception as error:  # noqa: BLE001 - told with its cause when the order is placed
            log.debug("an order was not made ahead", symbol=order.symbol, reason=repr(error))

    async def place(self, order: Order, *, at_ms: int | None = None, composed: BuiltRequest | None = None) -> None:
        """Send *order*, at *at_ms* of the exchange's clock where that is given, and record what came of it.

        *composed* is what to send, where that is known already.
        """
        self._in_hand.add(order.client_order_id)
        with about(order.listing_key, order.listing.id):
            await self._place(order, at_ms, composed)

    async def _place(self, order: Order, at_ms: int | None, composed: BuiltRequest | None) -> None:
        try:
            with ordering(order.side, order.mode):
                conclusion, told = await self._sent(order, at_ms, composed)
            if not self._goes_on(order, conclusion, told):
                await self._record(order, conclusion, told)
        finally:
            self._in_hand.discard(order.client_order_id)
            self.recorded.set()

    async def end(self, order: Order, conclusion: Conclusion, told: Told) -> None:
        """Record *conclusion* of an *order* that is not sent any more."""
        await self._record(order, conclusion, told)
        self.recorded.set()

    def tries_again(self, order: Order, conclusion: Conclusion) -> bool:
        """Have another attempt follow that of *order*, which was found to have got nothing, where one may."""
        return self._ways.further.takes(order, conclusion, NOTHING_MORE)

    def _goes_on(self, order: Order, conclusion: Conclusion, told: Told) -> bool:
        """Tell whether another attempt may follow at once: after a dry run, or where no one offers anything."""
        is_unfilled = conclusion.event is OrderEvent.FOUND_UNFILLED
        is_unoffered = conclusion.event is OrderEvent.REFUSED and conclusion.reason is not None
        if not is_unfilled and not (is_unoffered and _first_word(conclusion.reason) == Reason.NO_LIQUIDITY):
            return False
        price_max = order.price_max or told.price_max
        after = replace(order, answered_at=told.answered_at, price_max=price_max)
        return self._ways.further.takes(after, conclusion, told)

    async def _sent(self, order: Order, at_ms: int | None, composed: BuiltRequest | None) -> tuple[Conclusion, Told]:
        signed = None
        ahead, self._ahead = self._ahead, None
        if composed is None and ahead is not None and ahead.order is order:
            composed, signed = ahead.composed, ahead.signed
        if composed is None:
            made = await self._composed(order)
            if not isinstance(made, BuiltRequest):
                return made
            composed = made
        inquiry = None
        try:
            inquiry = self._ways.absence.inquiry(order, self._stopping)
            return await self._repeated(order, composed, signed, at_ms, inquiry)
        except Exception as error:
            # Whatever went wrong, a request may be on its way.
            log.exception("an order was left in the dark", symbol=order.symbol, order=order.client_order_id)
            detail = worded(Reason.OUTCOME_UNKNOWN, type(error).__name__)
            return Conclusion(OrderEvent.UNANSWERED, detail), Told()
        finally:
            if inquiry is not None:
                inquiry.end()

    async def _composed(self, order: Order) -> BuiltRequest | tuple[Conclusion, Told]:
        """Return what to send, after a look at the market where that is needed; or what *order* comes to without it."""
        try:
            made = await self._ways.composer.compose(order)
        except Exception as error:
            log.exception("an order could not be made", symbol=order.symbol, order=order.client_order_id)
            return Conclusion(OrderEvent.UNSENT, worded(Reason.INTERNAL_ERROR, type(error).__name__)), Told()
        if isinstance(made, BuiltRequest):
            return made
        if made.reason is Reason.NO_PRICE and self._stopping.is_set() and _may_wait(order):
            return Conclusion(OrderEvent.POSTPONED, Reason.INTERRUPTED), Told(fires_again=True)
        unavailable = made.reason is Reason.EXCHANGE_UNAVAILABLE
        event = OrderEvent.UNSENT if unavailable else OrderEvent.REFUSED
        return Conclusion(event, worded(made.reason, made.detail)), Told()

    async def _repeated(
        self, order: Order, composed: BuiltRequest, signed: _Signed | None, at_ms: int | None, inquiry: Inquiry
    ) -> tuple[Conclusion, Told]:
        """Attempt *order* until that comes to something; nothing is written again before *inquiry* allows it."""
        request, rules, tries = composed.request, composed.rules, Tries()
        for count in itertools.count(1):
            attempt = await self._attempt(order, request, signed, at_ms)
            signed = at_ms = None
            if isinstance(attempt, _Objected):
                told = Told(request=described(request), attempts=count - 1)
                return _unless_closed(order, attempt.conclusion, told, tries)
            self._heed(attempt)
            told = Told(
                answered_at=attempt.answered_at,
                request=described(request),
                attempts=count,
                price_max=composed.price_max,
            )
            fee = self._ways.composer.fee(rules)
            situation = Situation(order, request, rules, tries, self._now(), self._settings, fee)
            move = next_move(attempt.verdict, situation)
            if isinstance(move, Reread):
                reading = await self._ways.composer.reread(order, price=isinstance(attempt.verdict, TooDear))
                rules = reading.rules or rules
                fee = self._ways.composer.fee(rules)
                move = reconsidered(attempt.verdict, replace(situation, now=self._now(), fee=fee), reading)
            if isinstance(move, Conclusion):
                return move, told
            seen = await inquiry.before(move, written=not isinstance(attempt.verdict, Unsent))
            if seen is not None or self._stopping.is_set():
                answered_at = None if isinstance(seen, Found) else told.answered_at
                return _unless_closed(order, _ended(move, seen), replace(told, answered_at=answered_at), move.tries)
            affordable = within(move.request, net_of_fee(order.quote_qty, fee), rules)
            if isinstance(affordable, Refusal):
                refused = Conclusion(OrderEvent.REFUSED, worded(affordable.reason, affordable.detail))
                return refused, told
            request, tries = affordable, move.tries
        raise AssertionError

    async def _attempt(
        self, order: Order, request: OrderRequest, ahead: _Signed | None, at_ms: int | None
    ) -> Attempt | _Objected:
        """Send *request* once, unless something stands against it."""
        signed = ahead if at_ms is None else await self._at(at_ms, order, request)
        if isinstance(signed, Attempt):
            return signed
        left_seconds = (order.send_until - self._now()).total_seconds()
        async with self._ways.pace.turn(order.side, seconds_max=left_seconds, stop=self._stopping) as may_begin:
            if not may_begin:
                return _Objected(self._unbegun(order))
            if signed is None or self._is_old(signed):
                signed = self._signed(order, request)
            objection = self._ways.gate.objection(order)
            if objection is not None:
                return _Objected(Conclusion(*objection))
            if isinstance(signed, Attempt):
                return signed
            began = self._now()
            attempt = await signed.ready(lambda: self._ways.gate.objection(order) is None)
            if not isinstance(attempt.verdict, Unsent):
                answered_at = None if isinstance(attempt.verdict, Unanswered) else attempt.answered_at
                self._ways.sent(order, began, answered_at)
            elif objection := self._ways.gate.objection(order):
                return _Objected(Conclusion(*objection))
            return attempt

    async def _at(self, at_ms: int, order: Order, request: OrderRequest) -> _Signed | Attempt:
        """Prepare *request* for the moment *at_ms* and return it then; at once where that has passed."""
        if at_ms <= self._ways.moments.now_ms():
            return self._signed(order, request)
        signed = self._signed(order, request, at_ms)
        await self._ways.moments.reach(at_ms)
        return signed

    def _signed(self, order: Order, request: OrderRequest, at_ms: int | None = None) -> _Signed | Attempt:
        signed_ms = self._ways.moments.now_ms() if at_ms is None else at_ms
        try:
            return _Signed(self._ways.venues[order.mode].prepare(order, request, at_ms=at_ms), signed_ms)
        except ClockUncertainError as error:
            return Attempt(Untimely(str(error)), self._now())

    def _is_old(self, signed: _Signed) -> bool:
        """Tell whether *signed* might arrive too late by now."""
        return self._ways.moments.now_ms() - signed.at_ms > self._settings.recv_window_ms / 2

    def _unbegun(self, order: Order) -> Conclusion:
        """Return what an order comes to that got no turn."""
        if self._stopping.is_set():
            return Conclusion(OrderEvent.LAPSED, Reason.INTERRUPTED)
        objection = self._ways.gate.objection(order)
        if objection is not None and objection[0] is OrderEvent.LAPSED:
            return Conclusion(*objection)
        return Conclusion(OrderEvent.REFUSED, worded(Reason.TOO_MANY_REQUESTS, "the exchange wants quiet"))

    def _heed(self, attempt: Attempt) -> None:
        if isinstance(attempt.verdict, Busy):
            busy = attempt.verdict
            self._ways.pace.quiet_for(busy.wait_seconds, banned=busy.banned)

    async def _record(self, order: Order, conclusion: Conclusion, told: Told) -> None:
        """Record *conclusion*, however long the database takes to come back."""
        if conclusion.halts:
            self._ways.latch(Cause.CREDENTIALS, order.mode, in_ascii(conclusion.reason or ""))
        unanswered = conclusion.event is OrderEvent.UNANSWERED
        known = Told(
            fill=conclusion.fill,
            reason=conclusion.reason,
            exchange_order_id=conclusion.exchange_order_id,
            answered_at=None if unanswered else told.answered_at,
            send_until=self._now() if unanswered else None,
            request=told.request,
            attempts=told.attempts,
            price_max=told.price_max,
            fires_again=told.fires_again,
        )
        for attempt in itertools.count():
            try:
                after = await self._ways.books.record(order, conclusion.event, known)
            except TransientError as error:
                log.warning("an order's outcome waits for the database", order=order.client_order_id, reason=str(error))
                await asyncio.sleep(jittered(attempt, max_seconds=_RECORD_SECONDS_MAX))
            except Exception:
                # One order that cannot be recorded must not end the others. It stays open, and its money reserved.
                log.exception("an order's outcome was not recorded", symbol=order.symbol, order=order.client_order_id)
                return
            else:
                self._log(order, conclusion, settled=after is not None)
                return

    def _log(self, order: Order, conclusion: Conclusion, *, settled: bool) -> None:
        log.info(
            "order",
            symbol=order.symbol,
            listing=order.listing_key,
            side=order.side,
            mode=order.mode,
            outcome=conclusion.event,
            reason=conclusion.reason,
            late=not settled,
        )


def _unless_closed(order: Order, ended: Conclusion, told: Told, tries: Tries) -> tuple[Conclusion, Told]:
    """Return what follows where nothing more is sent: an order that found its symbol closed until then waits for it.

    Where only our own end cuts it short, the next executor tries at once. Not one that was taken before: a further
    attempt waits for no opening.
    """
    if ended.event is not OrderEvent.LAPSED or not tries.not_open or not _may_wait(order):
        return ended, told
    if ended.reason == Reason.INTERRUPTED:
        return Conclusion(OrderEvent.POSTPONED, Reason.INTERRUPTED), replace(told, fires_again=True)
    reason = worded(Reason.NOT_OPEN, "its time was over before another attempt")
    return Conclusion(OrderEvent.POSTPONED, reason), told


def _may_wait(order: Order) -> bool:
    """Tell whether *order* may wait for an opening: a purchase of which no attempt was taken."""
    return order.side is Side.BUY and order.attempt == 1


def _ended(move: Again, seen: Found | Undecided | None) -> Conclusion:
    """Return what the attempts came to where no other follows *move*."""
    match seen:
        case Found(exchange_order_id):
            return Conclusion(OrderEvent.ACCEPTED, exchange_order_id=exchange_order_id)
        case Undecided():
            return Conclusion(OrderEvent.UNANSWERED, worded(Reason.OUTCOME_UNKNOWN, move.detail))
        case None:
            return Conclusion(OrderEvent.LAPSED, Reason.INTERRUPTED)


def _first_word(reason: str | None) -> str:
    return (reason or "").partition(":")[0]


def described(request: OrderRequest) -> dict[str, str]:
    """Return what is asked for, in the exchange's words, as the journal keeps it."""
    return dict(order_params(request))
