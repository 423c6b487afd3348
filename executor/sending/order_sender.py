"""Send a committed order: make the request, attempt it while certainly no order came of it, record the outcome."""

import asyncio
import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final, Protocol

import structlog

from executor.decisions.repeat_purchases import got_nothing
from executor.halts.halt_causes import HaltCause
from executor.journal.order_row import in_ascii
from executor.journal.order_transitions import LostOrderError, OrderTransitions
from executor.model import Order, OrderEvent, OrderState, OrderUpdate, Reason, Refusal
from executor.rate_limits.order_slots import OrderSlots
from executor.sending.request_attempts import RequestAttempts
from executor.sending.request_builder import BuiltRequest
from shared.bus.tracing import ordering
from shared.errors import TransientError, jittered
from shared.events import Mode
from shared.log_context import of_listing

log = structlog.get_logger(__name__)

_RECORD_SECONDS_MAX: Final = 1.0
_LEFT_MAX: Final = 1_000
"""The database loses what was committed last, if any."""

Latch = Callable[[HaltCause, Mode | None, str], None]
"""Halts trading until an operator resumes; it holds at once, whether or not the database takes it."""


class Repeater(Protocol):
    """Attempts purchases again that got nothing."""

    def takes(self, order: Order, update: OrderUpdate) -> bool:
        """Take *order*, which got nothing, in charge where another attempt may follow."""

    def has_in_charge(self, order: Order) -> bool:
        """Return whether an attempt of *order* is about to follow."""


class OrderSender:
    """Sends each order it is given, in such a way that no two orders can come of it."""

    def __init__(
        self,
        attempts: RequestAttempts,
        slots: OrderSlots,
        transitions: OrderTransitions,
        repeater: Repeater,
        *,
        latch: Latch,
        now: Callable[[], datetime],
    ) -> None:
        self.banned_seconds = slots.banned_seconds
        self.tries_again = repeater.takes
        """Has another attempt follow that of an order, which was found to have got nothing, where one may."""
        self._attempts = attempts
        self._transitions = transitions
        self._repeater = repeater
        self._latch = latch
        self._now = now
        self._in_hand: set[str] = set()
        self._ahead: dict[str, tuple[Order, BuiltRequest]] = {}
        """Requests of orders that are being committed, or are committed and about to be placed, by client order id."""
        self._left: dict[str, None] = {}
        """The ids under which orders left, oldest first. None leaves twice, whatever the database says: it may have
        lost a commit that it confirmed."""
        self.recorded = asyncio.Event()
        """Set whenever an order was handed on to its look-ups."""

    def is_sending(self) -> bool:
        """Return whether an order is about to leave, or waits for its answer."""
        return bool(self._in_hand)

    def has_in_hand(self, order: Order) -> bool:
        """Return whether this process is sending *order*, and so knows best what becomes of it."""
        return order.client_order_id in self._in_hand or self._repeater.has_in_charge(order)

    def prepare(self, order: Order) -> None:
        """Make and sign the request of *order*, to be placed once committed, from data at hand. Nothing leaves."""
        if (built := self.made_ahead(order)) is not None:
            self._ahead[order.client_order_id] = order, built

    def forget(self, order: Order) -> None:
        """Drop what was prepared for *order*, which is not committed."""
        self._ahead.pop(order.client_order_id, None)

    def made_ahead(self, order: Order) -> BuiltRequest | None:
        """Return the request of *order*, signed, where data at hand allow it.

        An error is logged, and met again with its consequences when the order is placed.
        """
        try:
            return self._attempts.made_ahead(order)
        except Exception as error:  # noqa: BLE001 - met again, with its cause, when the order is placed
            with of_listing(order.listing):
                log.debug("an order was not made ahead", symbol=order.symbol, reason=repr(error))
            return None

    def rehearse(self, order: Order) -> None:
        """Make and sign the request of *order*, which there is none of, and drop it; an error is no matter."""
        with of_listing(order.listing), suppress(Exception):
            self._attempts.made_ahead(order)

    async def place(self, order: Order, *, at_ms: int | None = None, built: BuiltRequest | None = None) -> None:
        """Send *order*, at *at_ms* of the exchange's clock where that is given, and record what came of it.

        *built* is the request, where that is known already; else the one prepared for this order, if there is one.
        """
        self._in_hand.add(order.client_order_id)
        with of_listing(order.listing):
            try:
                with ordering(order.side, order.mode):
                    ahead = self._ahead.pop(order.client_order_id, None)
                    if built is None and ahead is not None and ahead[0] is order:
                        built = ahead[1]
                    update = await self._sent(order, built, at_ms)
                after = replace(order, answered_at=update.answered_at, price_max=order.price_max or update.price_max)
                # Another attempt follows at once after a dry run, or where there was no liquidity.
                if not (got_nothing(update) and self._repeater.takes(after, update)):
                    await self._record(order, update)
            except asyncio.CancelledError:
                log.warning("an order is left to the next start", symbol=order.symbol, order=order.client_order_id)
                raise
            finally:
                self._in_hand.discard(order.client_order_id)
                while len(self._left) > _LEFT_MAX:
                    self._left.pop(next(iter(self._left)))
                self.recorded.set()

    async def end(self, order: Order, update: OrderUpdate) -> None:
        """Record *update* of an *order* that is not sent any more."""
        with of_listing(order.listing):
            await self._record(order, update)
        self.recorded.set()

    async def _sent(self, order: Order, built: BuiltRequest | None, at_ms: int | None) -> OrderUpdate:
        """Send *order*, whose request is *built* where it is known already, and return what came of it."""
        sent_as = order.attempt_id or order.client_order_id
        if sent_as in self._left:
            # In doubt: what left under this id before is found by it.
            self._halt_for(order)
            return OrderUpdate(OrderEvent.UNANSWERED, Refusal(Reason.OUTCOME_UNKNOWN, "sent before"))
        self._left[sent_as] = None
        made = built or await self._attempts.made(order)
        update = made if isinstance(made, OrderUpdate) else await self._attempts.run(order, made, at_ms)
        if isinstance(made, OrderUpdate) or update.event is OrderEvent.POSTPONED:
            del self._left[sent_as]  # Certainly nothing came of it, and it may be sent again.
        return update

    def _halt_for(self, order: Order) -> None:
        words = f"the database has lost a commit of {order.sent_as} ({order.symbol}), which may be at the exchange"
        self._latch(HaltCause.JOURNAL, order.mode, words)

    async def _record(self, order: Order, update: OrderUpdate) -> None:
        """Record *update*, however long the database takes to come back."""
        if update.halts:
            self._latch(HaltCause.CREDENTIALS, order.mode, in_ascii(update.words or ""))
        if update.event is OrderEvent.UNANSWERED:
            update = replace(update, answered_at=None, send_until=self._now())
        for attempt in itertools.count():
            try:
                after = await self._transitions.record(order, update)
            except TransientError as error:
                log.warning("an order's outcome waits for the database", order=order.client_order_id, reason=str(error))
                await asyncio.sleep(jittered(attempt, max_seconds=_RECORD_SECONDS_MAX))
            except LostOrderError as error:
                await self._record_lost(order, update, error.stands)
                return
            except Exception:
                # One order that cannot be recorded must not end the others. It stays open, and its money reserved.
                log.exception("an order's outcome was not recorded", symbol=order.symbol, order=order.client_order_id)
                return
            else:
                log.info(
                    "order",
                    symbol=order.symbol,
                    listing=order.listing_key,
                    side=order.side,
                    mode=order.mode,
                    outcome=update.event,
                    reason=update.words,
                    late=after is None,
                )
                return

    async def _record_lost(self, order: Order, update: OrderUpdate, stands: Order | None) -> None:
        """Halt, and leave *order* to its look-up where it *stands* as one that waits: it would be decided on anew."""
        self._halt_for(order)
        log.error("the database lost an order", order=order.sent_as, outcome=update.event, reason=update.words)
        if stands is not None and stands.state is OrderState.ARMED:
            lost = Refusal(Reason.OUTCOME_UNKNOWN, "the database lost that it was sent")
            await self._record(stands, OrderUpdate(OrderEvent.UNANSWERED, lost))


class OrderDispatch:
    """Hands committed purchases to the sender, each in a task of its own."""

    def __init__(
        self,
        sender: OrderSender,
        tasks: asyncio.TaskGroup,
        committed: Callable[[Order, datetime], None],
        *,
        now: Callable[[], datetime],
    ) -> None:
        """*committed* is called with each order once it has left, and when it was committed."""
        self.prepare = sender.prepare
        self.forget = sender.forget
        self.rehearse = sender.rehearse
        self._sender = sender
        self._tasks = tasks
        self._committed = committed
        self._now = now

    def send(self, order: Order) -> None:
        """Send *order*, which is committed, without waiting for it."""
        self._tasks.create_task(self._sender.place(order), name=f"order-{order.symbol}")
        asyncio.get_running_loop().call_soon(self._committed, order, self._now())
