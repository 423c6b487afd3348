"""Send a committed order: make the request, attempt it while certainly no order came of it, record the outcome."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from executor.attempts import Conclusion, Situation, Tries, next_move
from executor.books import Books, Told
from executor.composing import Composed, Composer
from executor.gate import Gate
from executor.halts import Cause
from executor.moments import Moments
from executor.order import Order
from executor.pace import Pace
from executor.reasons import Reason, worded
from executor.settings import ExecutorSettings
from executor.states import OrderEvent
from executor.strategy import Refuse
from executor.venue import Attempt, Ready, Venue
from executor.verdicts import Busy, Unsent, Untimely
from shared.backoff import jittered, pause
from shared.errors import TransientError
from shared.events import Mode
from shared.mexc.clock import ClockUncertainError
from shared.mexc.trading import OrderRequest, order_params

log = structlog.get_logger(__name__)

_RECORD_SECONDS_MAX: Final = 1.0
_PUNCTUAL_SECONDS: Final = 1.0
"""What no opening is missed by, however little tolerance is set."""

Latch = Callable[[Cause, Mode | None, str], None]
"""Halts trading until an operator resumes; it holds at once, whether or not the database takes it."""


@dataclass(frozen=True, slots=True)
class Ways:
    """What orders are sent by."""

    venues: Mapping[Mode, Venue]
    composer: Composer
    gate: Gate
    pace: Pace
    moments: Moments
    books: Books
    latch: Latch


@dataclass(frozen=True, slots=True)
class _Signed:
    """A request down to its last byte, with the exchange's time in it."""

    ready: Ready
    at_ms: int


@dataclass(frozen=True, slots=True)
class _Ahead:
    """What was made of an order before it was committed."""

    order: Order
    composed: Composed
    signed: _Signed


@dataclass(frozen=True, slots=True)
class _Objected:
    """Nothing was sent, for a reason of ours."""

    conclusion: Conclusion


class Placing:
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
        return order.client_order_id in self._in_hand

    def banned_seconds(self) -> float:
        """Return for how long the exchange wants to be asked nothing at all."""
        return self._ways.pace.banned_seconds()

    def prepare(self, order: Order) -> None:
        """Make *order* ready to be placed next, from what is at hand. Nothing leaves; what fails here fails there."""
        try:
            composed = self._ways.composer.at_once(order)
            if isinstance(composed, Composed) and isinstance(signed := self._signed(order, composed.request), _Signed):
                self._ahead = _Ahead(order, composed, signed)
        except Exception as error:  # noqa: BLE001 - told with its cause when the order is placed
            log.debug("an order was not made ahead", symbol=order.symbol, reason=repr(error))

    async def place(self, order: Order, *, at_ms: int | None = None) -> None:
        """Send *order*, at *at_ms* of the exchange's clock where that is given, and record what came of it."""
        self._in_hand.add(order.client_order_id)
        try:
            await self._record(order, *await self._sent(order, at_ms))
        finally:
            self._in_hand.discard(order.client_order_id)
            self.recorded.set()

    async def _sent(self, order: Order, at_ms: int | None) -> tuple[Conclusion, Told]:
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead.order is order:
            return await self._carried_out(order, ahead.composed, ahead.signed, at_ms)
        try:
            composed = await self._ways.composer.compose(order)
        except Exception as error:
            log.exception("an order could not be made", symbol=order.symbol, order=order.client_order_id)
            return Conclusion(OrderEvent.UNSENT, worded(Reason.INTERNAL_ERROR, type(error).__name__)), Told()
        if isinstance(composed, Refuse):
            unavailable = composed.reason is Reason.EXCHANGE_UNAVAILABLE
            event = OrderEvent.UNSENT if unavailable else OrderEvent.REFUSED
            return Conclusion(event, worded(composed.reason, composed.detail)), Told()
        return await self._carried_out(order, composed, None, at_ms)

    async def _carried_out(
        self, order: Order, composed: Composed, signed: _Signed | None, at_ms: int | None
    ) -> tuple[Conclusion, Told]:
        try:
            return await self._attempted(order, composed, signed, at_ms)
        except Exception as error:
            # Whatever went wrong, a request may be on its way.
            log.exception("an order was left in the dark", symbol=order.symbol, order=order.client_order_id)
            detail = worded(Reason.OUTCOME_UNKNOWN, type(error).__name__)
            return Conclusion(OrderEvent.UNANSWERED, detail), Told()

    async def _attempted(
        self, order: Order, composed: Composed, signed: _Signed | None, at_ms: int | None
    ) -> tuple[Conclusion, Told]:
        request, tries = composed.request, Tries()
        for count in itertools.count(1):
            attempt = await self._attempt(order, request, signed, at_ms)
            signed = at_ms = None
            if isinstance(attempt, _Objected):
                return attempt.conclusion, Told(request=described(request), attempts=count - 1)
            self._heed(attempt)
            told = Told(answered_at=attempt.answered_at, request=described(request), attempts=count)
            situation = Situation(order, request, composed.rules, tries, self._now(), self._settings)
            move = next_move(attempt.verdict, situation)
            if isinstance(move, Conclusion):
                return move, told
            await pause(move.wait_seconds, self._stopping)
            if self._stopping.is_set():
                return Conclusion(OrderEvent.LAPSED, Reason.INTERRUPTED), told
            request, tries = move.request, move.tries
        raise AssertionError

    async def _attempt(
        self, order: Order, request: OrderRequest, ahead: _Signed | None, at_ms: int | None
    ) -> Attempt | _Objected:
        """Send *request* once, unless something stands against it."""
        signed = ahead if at_ms is None else await self._at(at_ms, order, request)
        if isinstance(signed, (Attempt, _Objected)):
            return signed
        left_seconds = (order.send_until - self._now()).total_seconds()
        async with self._ways.pace.turn(seconds_max=left_seconds, stop=self._stopping) as may_begin:
            if not may_begin:
                return _Objected(self._quiet())
            if signed is None or self._is_old(signed):
                signed = self._signed(order, request)
            objection = self._ways.gate.objection(order)
            if objection is not None:
                return _Objected(Conclusion(*objection))
            if isinstance(signed, Attempt):
                return signed
            attempt = await signed.ready(lambda: self._ways.gate.objection(order) is None)
            if isinstance(attempt.verdict, Unsent) and (objection := self._ways.gate.objection(order)):
                return _Objected(Conclusion(*objection))
            return attempt

    async def _at(self, at_ms: int, order: Order, request: OrderRequest) -> _Signed | Attempt | _Objected:
        """Prepare *request* for the moment *at_ms* and return it then; whoever wakes up long after is too late."""
        signed = self._signed(order, request, at_ms)
        await self._ways.moments.reach(at_ms)
        late_seconds = (self._ways.moments.now_ms() - at_ms) / 1000
        if late_seconds > max(_PUNCTUAL_SECONDS, self._settings.opening_tolerance_seconds):
            passed = worded(Reason.OPENING_PASSED, f"{late_seconds:.1f} s ago")
            return _Objected(Conclusion(OrderEvent.LAPSED, passed))
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

    def _quiet(self) -> Conclusion:
        if self._stopping.is_set():
            return Conclusion(OrderEvent.LAPSED, Reason.INTERRUPTED)
        return Conclusion(OrderEvent.REFUSED, worded(Reason.TOO_MANY_REQUESTS, "the exchange wants quiet"))

    def _heed(self, attempt: Attempt) -> None:
        if isinstance(attempt.verdict, Busy):
            busy = attempt.verdict
            self._ways.pace.quiet_for(busy.wait_seconds or 1.0, banned=busy.banned)

    async def _record(self, order: Order, conclusion: Conclusion, told: Told) -> None:
        """Record *conclusion*, however long the database takes to come back."""
        if conclusion.halts:
            self._ways.latch(Cause.CREDENTIALS, order.mode, conclusion.reason or "")
        unanswered = conclusion.event is OrderEvent.UNANSWERED
        known = Told(
            fill=conclusion.fill,
            reason=conclusion.reason,
            exchange_order_id=conclusion.exchange_order_id,
            answered_at=None if unanswered else told.answered_at,
            send_until=self._now() if unanswered else None,
            request=told.request,
            attempts=told.attempts,
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


def described(request: OrderRequest) -> dict[str, str]:
    """Return what is asked for, in the exchange's words, as the journal keeps it."""
    return dict(order_params(request))
