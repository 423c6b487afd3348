"""Look up what became of orders that may be at the exchange, until each is known. Nothing here ever sends one."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, assert_never

import structlog

from executor.attempts import executed
from executor.books import Books, Told
from executor.order import Order
from executor.placing import Placing
from executor.reasons import Reason, worded
from executor.settings import TimingSettings
from executor.states import OrderEvent, OrderState
from executor.venue import Absent, Ended, Finding, Venue, Working
from shared.backoff import pause
from shared.errors import TransientError
from shared.events import Mode
from shared.mexc.errors import ExchangeError, RateLimited

log = structlog.get_logger(__name__)

FIRST_WAIT_SECONDS: Final = 0.05
WAIT_SECONDS_MAX: Final = 2.0
LIMITED_SECONDS: Final = 1.0
"""The wait after a refusal that names none."""
LOOKS_AT_ONCE: Final = 4
"""So that after a burst on a slow exchange the last order is not known long after the first."""
IDLE_SECONDS: Final = 1.0
"""Between looks for orders that another executor left behind."""


@dataclass(slots=True)
class _Patience:
    """How long to wait before an order is looked up again."""

    due_at: float
    wait_seconds: float = FIRST_WAIT_SECONDS


class Resolver:
    def __init__(
        self,
        venues: Mapping[Mode, Venue],
        books: Books,
        placing: Placing,
        settings: TimingSettings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._venues = venues
        self._books = books
        self._placing = placing
        self._settings = settings
        self._now = now
        self._patience: dict[str, _Patience] = {}
        self._quiet_until = float("-inf")
        self._looks = asyncio.Semaphore(LOOKS_AT_ONCE)
        self._recording = asyncio.Lock()
        """One at a time: decisions want the exposure too."""

    async def run(self, until: asyncio.Event) -> None:
        """Look up what is unsettled again and again, more and more slowly, until *until* is set."""
        while not until.is_set():
            self._placing.recorded.clear()
            try:
                await self._look_up_due()
            except TransientError as error:
                log.debug("unsettled orders not read", reason=str(error))
            await pause(self._wait_seconds(), self._placing.recorded)

    async def look_up_all(self, mode: Mode) -> bool:
        """Ask about every unsettled order of *mode* once; return whether that was answered and recorded."""
        return all(await asyncio.gather(*map(self._resolve, await self._books.at_large([mode]))))

    async def _look_up_due(self) -> None:
        at_large = await self._books.at_large(list(self._venues))
        orders = [order for order in at_large if not self._placing.has_in_hand(order)]
        clock = asyncio.get_running_loop().time
        fresh = _Patience(due_at=clock())
        self._patience = {
            each.client_order_id: self._patience.get(each.client_order_id) or replace(fresh) for each in orders
        }
        await asyncio.gather(*(self._look_again(each, self._patience[each.client_order_id]) for each in orders))

    async def _look_again(self, order: Order, patience: _Patience) -> None:
        clock = asyncio.get_running_loop().time
        if patience.due_at > clock():
            return
        await self._resolve(order)
        patience.due_at = clock() + patience.wait_seconds
        patience.wait_seconds = min(WAIT_SECONDS_MAX, patience.wait_seconds * 2)

    def _wait_seconds(self) -> float:
        now = asyncio.get_running_loop().time()
        due_at = min((each.due_at for each in self._patience.values()), default=now + IDLE_SECONDS)
        return max(0.0, min(IDLE_SECONDS, due_at - now))

    async def _resolve(self, order: Order) -> bool:
        """Take what the exchange knows of *order* into the books; return whether that could be done."""
        async with self._looks:
            return await self._resolved(order)

    async def _resolved(self, order: Order) -> bool:
        clock = asyncio.get_running_loop().time
        if clock() < self._quiet_until or self._placing.banned_seconds():
            return False
        try:
            finding = await self._venues[order.mode].look_up(order)
            async with self._recording:
                await self._heed(order, finding)
        except RateLimited as error:
            wait_seconds = error.retry_after_seconds or LIMITED_SECONDS
            self._quiet_until = max(self._quiet_until, clock() + wait_seconds)
            return False
        except (ExchangeError, TransientError) as error:
            log.info("an order is not settled yet", order=order.client_order_id, reason=str(error))
            return False
        except Exception:
            # One order that cannot be settled must not keep the others from it. It stays open, and its money reserved.
            log.exception("an order was not settled", symbol=order.symbol, order=order.client_order_id)
            return False
        return True

    async def _heed(self, order: Order, finding: Finding) -> None:
        match finding:
            case Ended(exchange_order_id, fill):
                conclusion = executed(fill)
                told = Told(fill=fill, reason=conclusion.reason, exchange_order_id=exchange_order_id)
                await self._books.record(order, conclusion.event, told)
            case Working(exchange_order_id):
                await self._let_work(order, exchange_order_id)
            case Absent():
                await self._miss(order)
            case _:
                assert_never(finding)

    async def _let_work(self, order: Order, exchange_order_id: str) -> None:
        """An order of ours never rests: give it a moment to end by itself, then end it."""
        if order.state is not OrderState.ACKNOWLEDGED:
            await self._books.record(order, OrderEvent.ACCEPTED, Told(exchange_order_id=exchange_order_id))
        elif self._now() > order.send_until + timedelta(seconds=self._settings.protection_seconds):
            log.warning("an order rests and is cancelled", symbol=order.symbol, order=order.client_order_id)
            await self._venues[order.mode].cancel(order, exchange_order_id)

    async def _miss(self, order: Order) -> None:
        """The exchange does not know *order*: not yet, or never, which takes time and several looks to tell."""
        now = self._now()
        if order.state is OrderState.SENDING and now > self._sent_by(order):
            reason = worded(Reason.OUTCOME_UNKNOWN, "whoever was sending it is gone")
            await self._books.record(order, OrderEvent.UNANSWERED, Told(reason=reason))
        elif order.state is OrderState.UNKNOWN and now > self._arrived_by(order):
            await self._count_miss(order)

    async def _count_miss(self, order: Order) -> None:
        if await self._books.missed(order) < self._settings.absent_reads:
            return
        never = Reason.INTERRUPTED if order.mode is Mode.DRY_RUN else Reason.NEVER_ARRIVED
        log.warning("an order never arrived", symbol=order.symbol, order=order.client_order_id)
        await self._books.record(order, OrderEvent.FOUND_ABSENT, Told(reason=never))

    def _sent_by(self, order: Order) -> datetime:
        """Return when the last request of it that anybody may have begun was over."""
        return order.send_until + timedelta(seconds=self._settings.exchange_timeout_seconds)

    def _arrived_by(self, order: Order) -> datetime:
        """Return when an order that was sent would be visible."""
        if order.mode is Mode.DRY_RUN:
            return self._sent_by(order)
        window = timedelta(milliseconds=self._settings.recv_window_ms)
        return self._sent_by(order) + window + timedelta(seconds=self._settings.protection_seconds)
