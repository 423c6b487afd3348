"""Look up what became of orders that may be at the exchange, until each is known. Nothing here ever sends one."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final, Protocol

import structlog

from executor.journal.order_transitions import OrderTransitions
from executor.model.order import Order
from executor.reconciliation.lookup_outcome import Settling
from executor.reconciliation.order_search import FIRST_WAIT_SECONDS, WAIT_SECONDS_MAX, OrderSearch
from executor.sending.order_sender import OrderSender
from executor.settings import ExecutorSettings
from executor.venues.venue import Venue
from shared.backoff import pause
from shared.errors import TransientError
from shared.events import Mode, Side
from shared.isolation import each_isolated, in_a_line
from shared.log_context import of_listing
from shared.mexc.errors import ExchangeError, RateLimited

__all__ = ["FIRST_WAIT_SECONDS", "LOOKS_AT_ONCE", "WAIT_SECONDS_MAX", "OrderReconciler"]

log = structlog.get_logger(__name__)

LOOKS_AT_ONCE: Final = 4
"""Of each side: so that after a burst on a slow exchange the last order is not known long after the first, and that no
sale waits for purchases."""
IDLE_SECONDS: Final = 1.0
"""Between looks for orders that another executor left behind."""
AGAIN_SECONDS: Final = 0.25
"""After a look that could not be taken."""
_QUIET: Final = "the exchange wants quiet"


class Alerts(Protocol):
    def needed(self, orders: Sequence[Order]) -> None:
        """Raise an alert for these *orders*, in place of those before."""


class NoAlerts:
    """Alerts that are not heard."""

    def needed(self, orders: Sequence[Order]) -> None:
        pass


class OrderReconciler:
    def __init__(
        self,
        venues: Mapping[Mode, Venue],
        books: OrderTransitions,
        placing: OrderSender,
        settings: ExecutorSettings,
        *,
        now: Callable[[], datetime],
        alerts: Alerts | None = None,
    ) -> None:
        self._venues = venues
        self._books = books
        self._placing = placing
        self._settling = Settling(venues, books, settings, tries_again=placing.tries_again, now=now)
        self._now = now
        self._alerts = alerts or NoAlerts()
        self._searches: dict[str, OrderSearch] = {}
        self._quiet_until = float("-inf")
        self._looks = {side: asyncio.Semaphore(LOOKS_AT_ONCE) for side in Side}

    async def run(self, until: asyncio.Event) -> None:
        """Look up what is unsettled again and again, more and more slowly, until *until* is set."""
        while not until.is_set():
            self._placing.recorded.clear()
            # What is due stays so while it cannot be read: a database that refuses at once must not be asked at once.
            wait_seconds_min = AGAIN_SECONDS
            try:
                await self.look_up_due()
                wait_seconds_min = 0.0
            except TransientError as error:
                log.debug("unsettled orders not read", reason=str(error))
            except Exception:
                # Whatever is wrong with one look, there must be another.
                log.exception("unsettled orders not looked up")
            await pause(max(self._wait_seconds(), wait_seconds_min), self._placing.recorded)

    async def obstacles(self, mode: Mode) -> Sequence[str]:
        """Ask about every unsettled order of *mode* once; return what is in the way of an answer, order by order."""
        orders = [each for each in await self._books.at_large([mode]) if not self._placing.has_in_hand(each)]
        known = await asyncio.gather(*map(self._resolve, orders))
        return [
            f"{order.client_order_id} ({order.symbol}): {self._search(order).obstacle}"
            for order, is_known in zip(orders, known, strict=True)
            if not is_known
        ]

    async def look_up_due(self) -> None:
        """Look once for every unsettled order whose look-up is due."""
        at_large = await self._books.at_large(list(self._venues))
        orders = [order for order in at_large if not self._placing.has_in_hand(order)]
        self._searches = {each.sent_as: self._search(each) for each in orders}
        await asyncio.gather(*(self._look_again(each) for each in orders))
        await self._alarm(orders)

    async def _look_again(self, order: Order) -> None:
        clock, search = asyncio.get_running_loop().time, self._search(order)
        if search.due_at > clock():
            return
        if quiet_seconds := self._quiet_seconds():
            # No look was taken, so none is spaced out: the next comes right after the quiet.
            search.obstacle = search.obstacle or _QUIET
            search.due_at = clock() + quiet_seconds
            return
        await self._resolve(order)
        search.due_at = clock()
        search.took(order, self._settling.times(order), self._now())

    async def _alarm(self, orders: Sequence[Order]) -> None:
        """Call a person for each that should have been settled long ago."""
        overdue = [each for each in orders if self._now() > self._settling.times(each).overdue_at]
        unannounced = [each for each in overdue if not each.attention]
        await each_isolated(unannounced, self._announce, failed=_not_announced)
        self._alerts.needed(overdue)

    async def _announce(self, order: Order) -> None:
        why = self._search(order).obstacle or "it was not looked for yet"
        why = why if order.attempt == 1 else f"sent as {order.sent_as}: {why}"
        with of_listing(order.listing):
            if await self._books.alarm(order, why):
                log.error("an order needs a person", symbol=order.symbol, order=order.client_order_id, reason=why)

    def _search(self, order: Order) -> OrderSearch:
        fresh = OrderSearch(due_at=asyncio.get_running_loop().time())
        return self._searches.setdefault(order.sent_as, fresh)

    def _wait_seconds(self) -> float:
        now = asyncio.get_running_loop().time()
        due_at = min((each.due_at for each in self._searches.values()), default=now + IDLE_SECONDS)
        return max(0.0, min(IDLE_SECONDS, due_at - now))

    async def _resolve(self, order: Order) -> bool:
        """Take what the exchange knows of *order* into the books; return whether that could be done.

        One look at a time: of two, each would ask in half of the ways, and neither could prove the order absent.
        """
        search = self._search(order)
        with of_listing(order.listing):
            async with search.turn, self._looks[order.side]:
                return await self._resolved(order, search)

    async def _resolved(self, order: Order, search: OrderSearch) -> bool:
        if self._quiet_seconds():
            search.obstacle = search.obstacle or _QUIET
            return False
        try:
            await self._look(order, search)
        except RateLimited as error:
            quiet_until = asyncio.get_running_loop().time() + error.quiet_seconds
            self._quiet_until = max(self._quiet_until, quiet_until)
            search.obstacle = str(error)
            return False
        except (ExchangeError, TransientError) as error:
            log.info("an order is not settled yet", order=order.client_order_id, reason=str(error))
            search.obstacle = str(error)
            return False
        except Exception as error:
            # One order that cannot be settled must not keep the others from it. It stays open, and its money reserved.
            log.exception("an order was not settled", symbol=order.symbol, order=order.client_order_id)
            search.obstacle = type(error).__name__
            return False
        return True

    def _quiet_seconds(self) -> float:
        """Return for how long to ask the exchange nothing."""
        left_seconds = self._quiet_until - asyncio.get_running_loop().time()
        return max(0.0, left_seconds, self._placing.banned_seconds())

    async def _look(self, order: Order, search: OrderSearch) -> None:
        ways = search.ways(order, self._settling.times(order), self._now())
        search.tried |= dict.fromkeys(ways, self._now())
        try:
            finding = await self._venues[order.mode].look_up(order, ways, has_ended=self._settling.has_ended(search))
        except ExchangeError as error:
            search.refused(ways, self._now(), str(error))
            raise
        await self._settling.heed(order, finding, search, ways)


def _not_announced(order: Order, error: Exception) -> None:
    with of_listing(order.listing):
        log.error("an alarm was not recorded", order=order.client_order_id, reason=in_a_line(error))
