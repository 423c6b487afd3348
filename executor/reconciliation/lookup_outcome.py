"""Outcome of a look-up: carry out the transition of the order, a cancel, or a longer wait."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final, assert_never

import structlog

from executor.journal.order_transitions import OrderTransitions
from executor.model import Fill, Order, OrderEvent, OrderState, OrderUpdate, Reason, Refusal, executed
from executor.reconciliation.absent_orders import AbsentOrders
from executor.reconciliation.order_search import OrderSearch, SearchDeadlines, search_deadlines
from executor.settings import ExecutorSettings
from executor.venues.venue import Absent, Ended, Finding, Unclear, Untold, Venue, Way, Working
from shared.events import Mode
from shared.log_context import of_listing
from shared.mexc.errors import ExchangeRejected

log = structlog.get_logger(__name__)

UNKNOWN_ORDER: Final = -2011
"""Error code of a cancel where the order has ended already."""
ENDED_SECONDS: Final = 0.5
"""The time that a cancel may take."""
CANCELLED_AGAIN_SECONDS: Final = 5.0
"""Before a cancel without effect is repeated."""


class LookupOutcomes:
    def __init__(
        self,
        venues: Mapping[Mode, Venue],
        transitions: OrderTransitions,
        settings: ExecutorSettings,
        *,
        tries_again: Callable[[Order, OrderUpdate], bool],
        now: Callable[[], datetime],
    ) -> None:
        """*tries_again* takes over an order that got nothing, where another attempt may follow."""
        self._tries_again = tries_again
        self._venues = venues
        self._transitions = transitions
        self._settings = settings
        self._now = now
        self._recording = asyncio.Lock()
        """One at a time: decisions lock the exposure too."""
        self._absent_orders = AbsentOrders(venues, transitions, settings, record=self._record, now=now)

    def deadlines(self, order: Order) -> SearchDeadlines:
        """Return the deadlines of the search for *order*."""
        return search_deadlines(order, self._settings)

    def has_ended(self, search: OrderSearch) -> bool:
        """Return whether the order was cancelled, and the cancel had time to take effect."""
        return search.cancelled_at is not None and self._since(search.cancelled_at) >= ENDED_SECONDS

    async def apply(self, order: Order, finding: Finding, search: OrderSearch, ways: Sequence[Way]) -> None:
        """Apply *finding*, which a look-up by *ways* returned."""
        with of_listing(order.listing):
            match finding:
                case Ended(exchange_order_id, fill, note):
                    odd = Refusal(Reason.UNKNOWN_STATUS, note) if note else None
                    await self._end(order, exchange_order_id, fill, odd)
                case Untold():
                    await self._doubt(order, finding, search)
                case Unclear():
                    await self._wait_for_end(order, finding, search)
                case Working(exchange_order_id):
                    await self._let_work(order, exchange_order_id, search)
                case Absent(others):
                    search.missed(ways, self._now())
                    await self._absent_orders.miss(order, search, ways, others)
                case _:
                    assert_never(finding)

    async def _end(self, order: Order, exchange_order_id: str, fill: Fill | None, odd: Refusal | None) -> None:
        update = replace(executed(fill), exchange_order_id=exchange_order_id, found_at=self._now())
        if fill is None and odd is None and order.state is OrderState.ACKNOWLEDGED:
            ended = replace(order, exchange_order_id=exchange_order_id)
            if self._tries_again(ended, update):
                return
        if odd is not None:
            log.error("an order ended in an odd way", symbol=order.symbol, order=order.client_order_id, reason=str(odd))
        await self._record(order, replace(update, why=odd or update.why))

    async def _doubt(self, order: Order, finding: Untold, search: OrderSearch) -> None:
        """Wait until its trades add up; later its own figures count, or the trades where it has none."""
        search.obstacle = finding.why
        if search.untold is None or search.untold[0] != finding.fill:
            search.untold = finding.fill, self._now()
        elif self._since(search.untold[1]) >= self._settings.trades_seconds:
            odd = Refusal(Reason.FEE_ASSUMED, finding.why)
            await self._end(order, finding.exchange_order_id, finding.fill, odd)

    async def _wait_for_end(self, order: Order, finding: Unclear, search: OrderSearch) -> None:
        """Give an order with an unknown status time to change, and then cancel it."""
        search.obstacle = f"its status is {finding.word or 'missing'}"
        if search.unclear is None or search.unclear[0] != finding.executed_quantity:
            search.unclear = finding.executed_quantity, self._now()
            log.error("an order has a status that is not known here", order=order.client_order_id, word=finding.word)
        elif search.cancelled_at is None and self._since(search.unclear[1]) >= self._settings.unknown_status_seconds:
            await self._cancel(order, finding.exchange_order_id, search)

    async def _let_work(self, order: Order, exchange_order_id: str, search: OrderSearch) -> None:
        """We send no resting orders: one that is still open after a moment is cancelled."""
        search.obstacle = "it rests"
        if order.state is not OrderState.ACKNOWLEDGED:
            await self._record(
                order, OrderUpdate(OrderEvent.ACCEPTED, exchange_order_id=exchange_order_id, found_at=self._now())
            )
        if search.open_since is None:
            search.open_since = self._now()
        elif self._since(search.open_since) >= self._settings.resting_seconds and (
            search.cancelled_at is None or self._since(search.cancelled_at) >= CANCELLED_AGAIN_SECONDS
        ):
            await self._cancel(order, exchange_order_id, search)

    async def _cancel(self, order: Order, exchange_order_id: str, search: OrderSearch) -> None:
        log.warning("an order is cancelled", symbol=order.symbol, order=order.client_order_id, reason=search.obstacle)
        try:
            await self._venues[order.mode].cancel(order, exchange_order_id)
        except ExchangeRejected as refusal:
            if refusal.code != UNKNOWN_ORDER:
                raise
        search.cancelled_at = self._now()

    async def _record(self, order: Order, update: OrderUpdate) -> Order | None:
        async with self._recording:
            return await self._transitions.record(order, update)

    def _since(self, moment: datetime) -> float:
        return (self._now() - moment).total_seconds()
