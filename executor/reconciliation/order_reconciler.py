"""Order reconciler: look up orders that may be at the exchange, until each is settled. It never sends one."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

import structlog

from executor.journal.order_transitions import OrderTransitions
from executor.model import Order
from executor.reconciliation.lookup_outcome import LookupOutcomes
from executor.reconciliation.order_search import FIRST_WAIT_SECONDS, WAIT_SECONDS_MAX, OrderSearch
from executor.sending.order_sender import OrderSender
from executor.settings import ExecutorSettings
from executor.venues.venue import Absent, Venue, Way
from shared.errors import TransientError, each_isolated, in_a_line, pause
from shared.events import Mode, Side
from shared.log_context import of_listing
from shared.mexc.errors import QUIET_LOOK_SECONDS, ExchangeError, RateLimited
from shared.mexc.time.clock_estimate import boot_seconds

__all__ = ["FIRST_WAIT_SECONDS", "LOOKS_AT_ONCE", "WAIT_SECONDS_MAX", "OrderReconciler"]

log = structlog.get_logger(__name__)

LOOKS_AT_ONCE: Final = 4
"""Of each side: so that after a burst on a slow exchange the last order is not settled long after the first, and no
sale waits for purchases."""
IDLE_SECONDS: Final = 1.0
"""Between looks for orders that another executor left behind."""
AGAIN_SECONDS: Final = 0.25
"""After a look-up that failed."""
_QUIET: Final = "the exchange wants quiet"


HINTED_WAYS: Final = (Way.EXCHANGE_ID, Way.CLIENT_ID)
Look = Callable[[Order, OrderSearch], Awaitable[None]]


class OrderReconciler:
    def __init__(  # noqa: PLR0913 - its parts, and a clock for tests
        self,
        venues: Mapping[Mode, Venue],
        transitions: OrderTransitions,
        sender: OrderSender,
        settings: ExecutorSettings,
        *,
        now: Callable[[], datetime],
        alert: Callable[[Sequence[Order]], None],
        clock: Callable[[], float] = boot_seconds,
    ) -> None:
        """*alert* raises an alert for the given orders, in place of those before.

        By *clock*, which goes on while the machine sleeps, a quiet of the exchange is over.
        """
        self._venues = venues
        self._transitions = transitions
        self._sender = sender
        self._outcomes = LookupOutcomes(venues, transitions, settings, tries_again=sender.tries_again, now=now)
        self._now = now
        self._alert = alert
        self._clock = clock
        self._searches: dict[str, OrderSearch] = {}
        self._quiet_until = float("-inf")
        self._looks = {side: asyncio.Semaphore(LOOKS_AT_ONCE) for side in Side}

    async def run(self, until: asyncio.Event) -> None:
        """Look up unsettled orders repeatedly, with a back-off for each, until *until* is set."""
        while not until.is_set():
            self._sender.recorded.clear()
            # Due orders stay due while they cannot be read: a database that refuses at once must not be asked at once.
            wait_seconds_min = AGAIN_SECONDS
            try:
                await self.look_up_due()
                wait_seconds_min = 0.0
            except TransientError as error:
                log.debug("unsettled orders not read", reason=str(error))
            except Exception:
                # An error of one round must not end the loop.
                log.exception("unsettled orders not looked up")
            now = asyncio.get_running_loop().time()
            due_at = min((each.due_at for each in self._searches.values()), default=now + IDLE_SECONDS)
            wait_seconds = min(IDLE_SECONDS, due_at - now)
            await pause(max(wait_seconds, wait_seconds_min), self._sender.recorded)

    def hint(self, sent_as: str) -> bool:
        """Look up the order sent under this id at once, beside its back-off; return whether it is unsettled here.

        The look-up can find the order and settle it. Where it does not find it, it proves nothing and changes nothing.
        """
        search = self._searches.get(sent_as)
        if search is None or not search.hint():
            return False
        self._sender.recorded.set()
        return True

    async def obstacles(self, mode: Mode) -> Sequence[str]:
        """Look up every unsettled order of *mode* once; return the obstacles of those that are still unsettled."""
        orders = [each for each in await self._transitions.at_large([mode]) if not self._sender.has_in_hand(each)]
        known = await asyncio.gather(*map(self._resolve, orders))
        return [
            f"{order.client_order_id} ({order.symbol}): {self._search(order).obstacle}"
            for order, is_known in zip(orders, known, strict=True)
            if not is_known
        ]

    async def look_up_due(self) -> None:
        """Look up each order that is due, and raise alarms for overdue ones."""
        at_large = await self._transitions.at_large(list(self._venues))
        orders = [order for order in at_large if not self._sender.has_in_hand(order)]
        self._searches = {each.sent_as: self._search(each) for each in orders}
        await asyncio.gather(*(self.look_up_if_due(each) for each in orders))
        overdue = [each for each in orders if self._now() > self._outcomes.deadlines(each).overdue_at]
        unannounced = [each for each in overdue if not each.attention]
        await each_isolated(unannounced, self._announce, failed=_log_unannounced)
        self._alert(overdue)

    async def look_up_if_due(self, order: Order) -> None:
        """Look up *order* once its back-off is over, and set the time of the next look-up."""
        clock, search = asyncio.get_running_loop().time, self._search(order)
        if search.due_at > clock():
            if search.is_hinted:
                await self._resolve(order, hinted=True)
            return
        if quiet_seconds := self._quiet_seconds():
            # Nothing was looked up, so the back-off stays: the next look-up comes right after the quiet period.
            search.obstacle = search.obstacle or _QUIET
            search.due_at = clock() + min(quiet_seconds, QUIET_LOOK_SECONDS)
            return
        await self._resolve(order)
        search.due_at = clock()
        search.schedule_next(order, self._outcomes.deadlines(order), self._now())

    async def _announce(self, order: Order) -> None:
        """Raise the alarm of an order that should have been settled long ago."""
        why = self._search(order).obstacle or "it was not looked for yet"
        why = why if order.attempt == 1 else f"sent as {order.sent_as}: {why}"
        with of_listing(order.listing):
            if await self._transitions.alarm(order, why):
                log.error("an order needs a person", symbol=order.symbol, order=order.client_order_id, reason=why)

    def _search(self, order: Order) -> OrderSearch:
        fresh = OrderSearch(due_at=asyncio.get_running_loop().time())
        return self._searches.setdefault(order.sent_as, fresh)

    async def _resolve(self, order: Order, *, hinted: bool = False) -> bool:
        """Look up *order* and apply the outcome; return whether the exchange answered.

        One look-up at a time: of two, each would use half of the ways, and neither could prove the order absent.
        """
        search = self._search(order)
        with of_listing(order.listing):
            async with search.turn, self._looks[order.side]:
                search.is_hinted = False
                return await self._resolved(order, search, self._look_by_hint if hinted else self._look)

    async def _resolved(self, order: Order, search: OrderSearch, look: Look) -> bool:
        if self._quiet_seconds():
            search.obstacle = search.obstacle or _QUIET
            return False
        try:
            await look(order, search)
        except RateLimited as error:
            self._quiet_until = max(self._quiet_until, self._clock() + error.quiet_seconds)
            search.obstacle = str(error)
            return False
        except (ExchangeError, TransientError) as error:
            log.info("an order is not settled yet", order=order.client_order_id, reason=str(error))
            search.obstacle = str(error)
            return False
        except Exception as error:
            # An error of one order must not stop the others. It stays unsettled, and its money reserved.
            log.exception("an order was not settled", symbol=order.symbol, order=order.client_order_id)
            search.obstacle = type(error).__name__
            return False
        return True

    def _quiet_seconds(self) -> float:
        """Return the seconds left of a quiet period or a ban."""
        return max(0.0, self._quiet_until - self._clock(), self._sender.banned_seconds())

    async def _look(self, order: Order, search: OrderSearch) -> None:
        ways = search.ways(order, self._outcomes.deadlines(order), self._now())
        search.tried |= dict.fromkeys(ways, self._now())
        try:
            finding = await self._venues[order.mode].look_up(order, ways, has_ended=self._outcomes.has_ended(search))
        except ExchangeError as error:
            search.refused(ways, self._now(), str(error))
            raise
        await self._outcomes.apply(order, finding, search, ways)

    async def _look_by_hint(self, order: Order, search: OrderSearch) -> None:
        """Look up *order* in the cheap ways alone, and leave out a miss: it must not count towards its absence."""
        finding = await self._venues[order.mode].look_up(order, HINTED_WAYS, has_ended=self._outcomes.has_ended(search))
        if not isinstance(finding, Absent):
            await self._outcomes.apply(order, finding, search, HINTED_WAYS)


def _log_unannounced(order: Order, error: Exception) -> None:
    with of_listing(order.listing):
        log.error("an alarm was not recorded", order=order.client_order_id, reason=in_a_line(error))
