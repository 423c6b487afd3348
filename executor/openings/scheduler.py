"""Fire armed orders at their openings. The journal holds them, so a restart forgets none.

A moved opening is written by `listing_handler` on its event, and by `announced_openings` from dedup's ledger.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import structlog

from executor.journal.order_transitions import OrderTransitions
from executor.model import Decided, Order, OrderEvent, OrderUpdate, Outcome, Reason, Refusal
from executor.sending.order_sender import OrderSender
from executor.sending.presend_check import ExchangeTime, milliseconds
from executor.sending.purchase_decisions import PurchaseDecisions
from executor.sending.request_builder import RequestBuilder
from shared.errors import TransientError, each_isolated, in_a_line, pause
from shared.events import Mode
from shared.log_context import of_listing

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
HORIZON_MS: Final = 5_000
"""How long before its opening an order gets a task of its own."""
PREPARE_MS: Final = 2_000
DECIDE_MS: Final = 250
"""How long before the opening the decision is committed: after that, nothing needs the database."""

Opening = tuple[str, datetime]


class OpeningScheduler:
    def __init__(
        self,
        transitions: OrderTransitions,
        decisions: PurchaseDecisions,
        sender: OrderSender,
        request_builder: RequestBuilder,
        exchange_time: ExchangeTime,
        *,
        max_wait: timedelta,
    ) -> None:
        """Orders whose opening stays unknown for *max_wait* are given up."""
        self._transitions = transitions
        self._max_wait = max_wait
        self._decisions = decisions
        self._sender = sender
        self._request_builder = request_builder
        self._exchange_time = exchange_time
        self._attended: set[Opening] = set()
        self.changed = asyncio.Event()
        """Set by others when an order was armed, or its opening moved."""

    async def run(self, until: asyncio.Event) -> None:
        """Attend to openings as they come near, until *until* is set; finish those that are decided by then."""
        async with asyncio.TaskGroup() as attending:
            while not until.is_set():
                self.changed.clear()
                armed = await self.armed()
                for order in filter(self.is_near, armed):
                    attending.create_task(self.attend(order, until), name=f"opening-{order.symbol}")
                await self.give_up_forgotten(armed)
                await pause(LOOK_SECONDS, self.changed)

    async def give_up_forgotten(self, armed: Iterable[Order]) -> None:
        """End those of *armed* whose opening stayed unknown for too long, by a time that is known."""
        if not self._exchange_time.is_known():
            return
        now_ms = self._exchange_time.now_ms()
        forgotten = [order for order in armed if is_forgotten(order, now_ms, self._max_wait)]
        why = Refusal(Reason.OPENING_PASSED, "no opening became known")

        async def give_up(order: Order) -> None:
            with of_listing(order.listing):
                try:
                    await self._transitions.record(order, OrderUpdate(OrderEvent.LAPSED, why))
                except TransientError as error:
                    log.debug("an order still waits", symbol=order.symbol, reason=str(error))

        await each_isolated(forgotten, give_up, failed=_log_kept)

    def is_near(self, order: Order) -> bool:
        """Return whether *order* opens soon, or should have, and is not attended to yet."""
        return opens_soon(order, self._exchange_time.now_ms()) and _opening(order) not in self._attended

    async def attend(self, order: Order, until: asyncio.Event) -> None:
        """Fire *order* at its opening; an error concerns this order alone."""
        opening = _opening(order)
        self._attended.add(opening)
        with of_listing(order.listing):
            try:
                await self.fire(order, milliseconds(opening[1]), until)
            except TransientError as error:
                log.warning("an opening was not decided on", symbol=order.symbol, reason=str(error))
            except Exception:
                log.exception("an opening was not decided on", symbol=order.symbol)
            finally:
                self._attended.discard(opening)

    async def fire(self, order: Order, at_ms: int, until: asyncio.Event) -> None:
        """Prepare *order*, decide on it shortly before its opening, and have it sent at that time."""
        await self._wait(at_ms - PREPARE_MS, until)
        if (left_ms := at_ms - DECIDE_MS - self._exchange_time.now_ms()) > 0:
            # Reads may wait for the rate limits, and the opening does not wait for them.
            with suppress(TimeoutError):
                async with asyncio.timeout(left_ms / 1000):
                    await self._request_builder.prefetch(order)
        await self._wait(at_ms - DECIDE_MS, until)
        if until.is_set():
            return  # It is still armed, and the next executor finds it.
        if not await self._transitions.waits(order):
            return  # Its opening moved: the task of the new opening decides.
        decided = await self._decisions.fire(order)
        await self._end_waiting(order, decided)
        if decided.order is not None:
            await self._sender.place(decided.order, at_ms=at_ms)

    async def armed(self) -> Sequence[Order]:
        """Return the armed orders; none where the database cannot be read."""
        try:
            return await self._transitions.armed(list(Mode))
        except TransientError as error:
            log.debug("openings not read", reason=str(error))
        except Exception:
            log.exception("openings not read")
        return ()

    async def _end_waiting(self, order: Order, decided: Decided) -> None:
        """End an armed order that will not be sent, unless another executor may send it."""
        update = ending(order, decided)
        if update is None:
            return
        if self._decisions.is_left_to_others(order, decided, knows_time=self._exchange_time.is_known()):
            log.info("an opening is left to another executor", symbol=order.symbol, reason=update.words)
            return
        await self._transitions.record(order, update)

    async def _wait(self, until_ms: int, until: asyncio.Event) -> None:
        left_seconds = (until_ms - self._exchange_time.now_ms()) / 1000
        if left_seconds > 0:
            await pause(left_seconds, until)


def ending(order: Order, decided: Decided) -> OrderUpdate | None:
    """Return the end of an armed *order*: it was refused, or one of the other mode took its place; None without one."""
    if decided.why is not None:
        has_passed = decided.why.reason is Reason.OPENING_PASSED
        return OrderUpdate(OrderEvent.LAPSED if has_passed else OrderEvent.DENIED, decided.why)
    is_switched = decided.order is not None and decided.order.mode is not order.mode
    if is_switched or decided.outcome is Outcome.SWITCHED:
        return OrderUpdate(OrderEvent.DENIED, Refusal(Reason.MODE_SWITCHED))
    return None


def opens_soon(order: Order, now_ms: int) -> bool:
    """Return whether *order* opens within the horizon, or should have opened."""
    return order.fire_at is not None and milliseconds(order.fire_at) <= now_ms + HORIZON_MS


def is_forgotten(order: Order, now_ms: int, max_wait: timedelta) -> bool:
    """Return whether the opening of *order* has been unknown for longer than *max_wait*."""
    waited_ms = now_ms - milliseconds(order.decided_at)
    return order.fire_at is None and timedelta(milliseconds=waited_ms) > max_wait


def _log_kept(order: Order, error: Exception) -> None:
    with of_listing(order.listing):
        log.warning("an order still waits", symbol=order.symbol, reason=in_a_line(error))


def _opening(order: Order) -> Opening:
    assert order.fire_at is not None
    return order.client_order_id, order.fire_at
