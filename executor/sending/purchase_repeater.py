"""Attempt a purchase again whose attempt is proven to have got nothing: soon, a few times, under ids of their own."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Protocol

import structlog

from executor.decisions.repeat_purchases import repeat_until
from executor.journal.attempt_writer import AttemptWriter, further_id
from executor.model import Order, OrderState, OrderUpdate, Reason, Refusal, executed
from executor.sending.request_builder import BuiltRequest, RequestBuilder
from executor.settings import ExecutorSettings
from executor.venues.venue import Absent, Ended, Untold, Venue, Way
from shared.errors import TransientError, pause
from shared.events import Mode
from shared.log_context import of_listing
from shared.mexc.errors import ClockUncertainError, ExchangeError

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
BY_ID: Final = (Way.EXCHANGE_ID, Way.CLIENT_ID)


class Sender(Protocol):
    async def place(self, order: Order, *, built: BuiltRequest | None = None) -> None:
        """Send *order*, and record what came of it."""

    async def end(self, order: Order, update: OrderUpdate) -> None:
        """Record *update* of an *order* that is not sent any more."""


@dataclass(frozen=True, slots=True)
class Unfilled:
    """An order whose attempt got nothing, and its update where none follows."""

    order: Order
    update: OrderUpdate


class _StandsError(Exception):
    """The attempt was seen otherwise than ended with nothing filled; its trades where only they say so."""

    def __init__(self, traded: Untold | None = None) -> None:
        self.traded = traded


class PurchaseRepeater:
    """Takes orders in charge, waits until they can be filled, and has them sent again."""

    def __init__(
        self,
        journal: AttemptWriter,
        builder: RequestBuilder,
        venues: Mapping[Mode, Venue],
        settings: ExecutorSettings,
        *,
        now: Callable[[], datetime],
        stopping: asyncio.Event,
    ) -> None:
        self._journal = journal
        self._builder = builder
        self._venues = venues
        self._settings = settings
        self._now = now
        self._stopping = stopping
        self._in_charge: dict[str, str] = {}
        self._changed = asyncio.Event()
        self.waiting: deque[Unfilled] = deque()
        """Not begun with yet."""

    def takes(self, order: Order, update: OrderUpdate) -> bool:
        """Take *order* in charge where another attempt may follow; else *update* is what became of it."""
        until = repeat_until(order, self._settings)
        if until is None or self._now() >= until or self._stopping.is_set() or order.mode not in self._venues:
            return False
        if order.sent_as not in self._in_charge:
            self._in_charge[order.sent_as] = order.client_order_id
            self.waiting.append(Unfilled(order, update))
            self._changed.set()
        return True

    def has_in_charge(self, order: Order) -> bool:
        """Return whether an attempt of *order* is about to follow."""
        return order.client_order_id in self._in_charge.values()

    async def run(self, sender: Sender, until: asyncio.Event) -> None:
        """Repeat the orders taken in charge, until *until* is set; those that wait by then are ended."""
        async with asyncio.TaskGroup() as attending:
            while not until.is_set():
                self._changed.clear()
                self._begin(sender, attending)
                await pause(LOOK_SECONDS, self._changed)
            self._begin(sender, attending)

    def _begin(self, sender: Sender, attending: asyncio.TaskGroup) -> None:
        while self.waiting:
            unfilled = self.waiting.popleft()
            attending.create_task(self.attend(unfilled, sender), name=f"again-{unfilled.order.symbol}")

    async def attend(self, unfilled: Unfilled, sender: Sender) -> None:
        """Have another attempt made as soon as one can be filled; where none can in time, end the order."""
        order = unfilled.order
        with of_listing(order.listing):
            try:
                built = await self._awaited(order)
                again = await self._begun(order) if isinstance(built, BuiltRequest) else None
                if again is None or not isinstance(built, BuiltRequest):
                    why = built if isinstance(built, Refusal) else unfilled.update.why
                    await sender.end(order, replace(unfilled.update, why=why))
                else:
                    log.info(
                        "an order is attempted again", symbol=order.symbol, order=again.sent_as, attempt=again.attempt
                    )
                    await sender.place(again, built=built)
            except _StandsError as found:
                log.warning("an order got something after all", symbol=order.symbol, order=order.sent_as)
                # Trades show what it got; any other is left to its look-ups.
                if (traded := found.traded) is not None:
                    assumed = Refusal(Reason.FEE_ASSUMED, traded.why)
                    exchange_id, found_at = traded.exchange_order_id, self._now()
                    update = replace(
                        executed(traded.fill), why=assumed, exchange_order_id=exchange_id, found_at=found_at
                    )
                    await sender.end(order, update)
            except Exception:
                # A fault with one order concerns that order; where it went on to another attempt, this changes nothing.
                log.exception("an order was not attempted again", symbol=order.symbol, order=order.sent_as)
                await sender.end(order, unfilled.update)
            finally:
                self._in_charge.pop(order.sent_as, None)

    async def _awaited(self, order: Order) -> BuiltRequest | Refusal | None:
        """Return what to send once it would be filled, or why nothing may be; None where neither comes in time.

        In between the last attempt is looked for, until it is proven once more that it got nothing.
        """
        until = repeat_until(order, self._settings)
        next_one = replace(order, attempt=order.attempt + 1, attempt_id=further_id(order))
        has_traded = order.mode is Mode.LIVE
        while until is not None and self._now() < until and not self._stopping.is_set():
            unfilled = self._is_unfilled(order, trades=has_traded)
            built, proven = await asyncio.gather(self._builder.offered(next_one), unfilled)
            has_traded = has_traded and not proven
            if built is not None and proven:
                return built
            await pause(self._settings.retry_every_seconds, self._stopping)
        return None

    async def _is_unfilled(self, order: Order, *, trades: bool) -> bool:
        """Look for the attempt, and its *trades*; return whether that proves once more that it got nothing."""
        if order.mode is Mode.DRY_RUN:
            return True
        venue = self._venues[order.mode]
        try:
            finding = await venue.look_up(order, BY_ID)
            # One that was refused is not there; any other has ended.
            refused = order.state is OrderState.SENDING
            if not (isinstance(finding, Absent) if refused else isinstance(finding, Ended) and finding.fill is None):
                raise _StandsError
            if trades and not refused and isinstance(traded := await venue.look_up(order, (Way.TRADES,)), Untold):
                raise _StandsError(traded)
        except (ExchangeError, ClockUncertainError) as error:
            log.info("an attempt was not looked up", order=order.sent_as, reason=str(error))
            return False
        return True

    async def _begun(self, order: Order) -> Order | None:
        until = repeat_until(order, self._settings)
        if until is None or self._now() >= until:
            return None
        try:
            begun = await self._journal.begin(order, until)
        except TransientError as error:
            # Committed or not, it is not sent; where it was committed, it is looked up like any other.
            log.warning("a further attempt was not committed", order=order.sent_as, reason=str(error))
            return None
        if isinstance(begun, Order):
            return begun
        log.info("no further attempt", symbol=order.symbol, order=order.sent_as, reason=begun and begun.reason)
        return None
