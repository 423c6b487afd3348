"""Fire what waits for an opening, at its moment. What waits is in the journal, so a restart forgets nothing."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from executor.journal.order_transitions import OrderTransitions
from executor.model.order import Order
from executor.model.order_state import OrderEvent
from executor.model.order_update import OrderUpdate
from executor.model.reasons import Reason, Refusal
from executor.purchase_decisions import Decided, Outcome, PurchaseDecisions
from executor.sending.exchange_time import ExchangeTime, milliseconds
from executor.sending.order_sender import OrderSender
from executor.sending.request_builder import RequestBuilder
from shared.backoff import pause
from shared.errors import TransientError
from shared.events import Mode
from shared.isolation import each_isolated, in_a_line
from shared.log_context import of_listing

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
HORIZON_MS: Final = 5_000
"""How far ahead an opening is taken in hand."""
PREPARE_MS: Final = 2_000
DECIDE_MS: Final = 250
"""How long before the opening the decision is committed: what happens later needs no database."""

Opening = tuple[str, datetime]


class OpeningScheduler:
    def __init__(
        self,
        books: OrderTransitions,
        decisions: PurchaseDecisions,
        placing: OrderSender,
        composer: RequestBuilder,
        moments: ExchangeTime,
        *,
        patience: timedelta,
    ) -> None:
        self._books = books
        self._patience = patience
        self._decisions = decisions
        self._placing = placing
        self._composer = composer
        self._moments = moments
        self._in_hand: set[Opening] = set()
        self.changed = asyncio.Event()
        """To be set when an order was armed, or its opening moved."""

    async def run(self, until: asyncio.Event) -> None:
        """Take openings in hand as they come near, until *until* is set; finish those that are decided by then."""
        async with asyncio.TaskGroup() as attending:
            while not until.is_set():
                self.changed.clear()
                armed = await self.armed()
                for order in filter(self.is_near, armed):
                    attending.create_task(self.attend(order, until), name=f"opening-{order.symbol}")
                await self.give_up_forgotten(armed)
                await pause(LOOK_SECONDS, self.changed)

    async def armed(self) -> Sequence[Order]:
        """Return the orders that wait for an opening; none where they cannot be read."""
        try:
            return await self._books.armed(list(Mode))
        except TransientError as error:
            log.debug("openings not read", reason=str(error))
        except Exception:
            log.exception("openings not read")
        return ()

    def is_near(self, order: Order) -> bool:
        """Return whether *order* opens soon, or should have, and is not in hand."""
        soon_ms = self._moments.now_ms() + HORIZON_MS
        is_due = order.fire_at is not None and milliseconds(order.fire_at) <= soon_ms
        return is_due and _opening(order) not in self._in_hand

    def _is_forgotten(self, order: Order) -> bool:
        """Return whether no opening of *order* was announced for as long as any is waited for."""
        waited_ms = self._moments.now_ms() - milliseconds(order.decided_at)
        return order.fire_at is None and timedelta(milliseconds=waited_ms) > self._patience

    async def give_up_forgotten(self, armed: Iterable[Order]) -> None:
        """End those of *armed* whose opening was not announced for as long as any is waited for."""
        await each_isolated(filter(self._is_forgotten, armed), self._give_up, failed=_passed_over)

    async def _give_up(self, order: Order) -> None:
        why = Refusal(Reason.OPENING_PASSED, "nobody told when")
        with of_listing(order.listing):
            try:
                await self._books.record(order, OrderUpdate(OrderEvent.LAPSED, why))
            except TransientError as error:
                log.debug("an order still waits", symbol=order.symbol, reason=str(error))

    async def attend(self, order: Order, until: asyncio.Event) -> None:
        """Decide on *order* just before its opening and have it sent at it; not any more once *until* is set."""
        with of_listing(order.listing):
            await self._take_in_hand(order, until)

    async def _take_in_hand(self, order: Order, until: asyncio.Event) -> None:
        opening = _opening(order)
        self._in_hand.add(opening)
        try:
            await self._at_opening(order, milliseconds(opening[1]), until)
        except TransientError as error:
            log.warning("an opening was not decided on", symbol=order.symbol, reason=str(error))
        except Exception:
            # One order that cannot be decided on must not keep the others from their openings.
            log.exception("an opening was not decided on", symbol=order.symbol)
        finally:
            self._in_hand.discard(opening)

    async def _at_opening(self, order: Order, at_ms: int, until: asyncio.Event) -> None:
        await self._wait(at_ms - PREPARE_MS, until)
        await self._prefetch(order, at_ms - DECIDE_MS)
        await self._wait(at_ms - DECIDE_MS, until)
        if until.is_set():
            return  # It is still armed, and the next executor finds it.
        if not await self._books.waits(order):
            return  # Its opening moved, and whoever waits for that decides on it then.
        decided = await self._decisions.fire(order)
        await self._end_waiting(order, decided)
        if decided.order is not None:
            await self._placing.place(decided.order, at_ms=at_ms)

    async def _prefetch(self, order: Order, until_ms: int) -> None:
        """Learn ahead what comes until then: the question may wait for the rate limits, and the opening does not."""
        with suppress(TimeoutError):
            async with asyncio.timeout((until_ms - self._moments.now_ms()) / 1000):
                await self._composer.prefetch(order)

    async def _end_waiting(self, order: Order, decided: Decided) -> None:
        """End an armed order that will not be sent: the decision was against it, or for one of the other mode."""
        is_switched = decided.order is not None and decided.order.mode is not order.mode
        if decided.why is not None:
            has_passed = decided.why.reason is Reason.OPENING_PASSED
            event = OrderEvent.LAPSED if has_passed else OrderEvent.DENIED
            await self._books.record(order, OrderUpdate(event, decided.why))
        elif is_switched or decided.outcome is Outcome.SWITCHED:
            await self._books.record(order, OrderUpdate(OrderEvent.DENIED, Refusal(Reason.MODE_SWITCHED)))

    async def _wait(self, until_ms: int, until: asyncio.Event) -> None:
        left_seconds = (until_ms - self._moments.now_ms()) / 1000
        if left_seconds > 0:
            await pause(left_seconds, until)


def _passed_over(order: Order, error: Exception) -> None:
    with of_listing(order.listing):
        log.warning("an order still waits", symbol=order.symbol, reason=in_a_line(error))


def _opening(order: Order) -> Opening:
    assert order.fire_at is not None
    return order.client_order_id, order.fire_at
