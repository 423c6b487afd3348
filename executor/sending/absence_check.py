"""Prove that an answered order is absent at the exchange before any of its requests is written again."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Final

import structlog

from executor.decisions.absence_proof import AbsenceProof
from executor.decisions.retry_policy import Retry
from executor.model import Order, OrderEvent, OrderUpdate, Reason, Refusal
from executor.rate_limits.order_slots import OrderSlots
from executor.sending.last_balances import LastBalances
from executor.sending.presend_check import ExchangeTime
from executor.settings import TimingSettings
from executor.venues.venue import Absent, Venue, Way, ways_due
from shared.errors import pause
from shared.events import Mode, Side
from shared.mexc.errors import ClockUncertainError, ExchangeError, ExchangeUnavailable, RateLimited
from shared.mexc.orders.order_reports import Balance

log = structlog.get_logger(__name__)

BESIDE_EVERY_SECONDS: Final = 2.0
"""Between looks beside the waits of one order."""
BESIDE_MAX: Final = 6
"""Looks under way at once, and orders that are looked for so often; of more, each is as much more rarely."""
BESIDE_WAIT_SECONDS: Final = 0.05
"""Beside shorter waits nothing is looked for: an order that was taken would hardly show yet."""
CORRECTION_SECONDS: Final = 0.5
"""How long an order that was corrected, and could go at once, waits for a look."""
BESIDE: Final = (Way.CLIENT_ID,)
THOROUGH: Final = (Way.CLIENT_ID, Way.OPEN_ORDERS, Way.ALL_ORDERS, Way.TRADES)
_NEVER: Final = float("-inf")


class AbsenceCheck:
    """Looks orders up at the *venues*, one of a side at a time: they share the exchange's limits with orders.

    Looks beside waits are bounded by themselves, and none waits for another.
    """

    def __init__(
        self,
        venues: Mapping[Mode, Venue],
        slots: OrderSlots,
        time: ExchangeTime,
        settings: TimingSettings,
        *,
        balances: LastBalances | None,
        now: Callable[[], datetime],
    ) -> None:
        self._venues = venues
        self._slots = slots
        self._time = time
        self._settings = settings
        self._balances = balances
        self._now = now
        self._turns = {side: asyncio.Lock() for side in Side}
        self._beside_at: dict[str, float] = {}
        """When each order that is attempted was looked for beside a wait, by the id it was sent under."""
        self._looking_beside: set[str] = set()

    def inquiry(self, order: Order, stopping: asyncio.Event) -> "Inquiry":
        """Return the inquiry beside the attempts of *order*, with the balance before them."""
        balances = self._balances if order.side is Side.SELL else None
        before = None if balances is None else balances.last(order.listing.base_asset)
        return Inquiry(self, order, before, stopping)

    async def look(self, order: Order, ways: Collection[Way]) -> OrderUpdate | None:
        """Return that *order* was accepted where one of *ways* finds it; raise ExchangeError or ClockUncertainError."""
        venue = self._venues[order.mode]
        if ways is BESIDE:
            finding = await venue.look_up(order, ways)
        else:
            async with self._turns[order.side]:
                finding = await venue.look_up(order, ways)
        if not isinstance(finding, Absent):
            return OrderUpdate(OrderEvent.ACCEPTED, exchange_order_id=finding.exchange_order_id)
        if finding.others:
            raise ExchangeUnavailable("trades of the symbol belong to an order that is not known")
        return None

    async def look_beside(self, order: Order) -> OrderUpdate | None:
        """Look for *order* whose answer was proof by itself: only to make sure, so that an error holds up nothing."""
        try:
            return await self.look(order, BESIDE)
        except (ExchangeError, ClockUncertainError) as error:
            self.quiet_after(error)
        except Exception:
            log.exception("a look beside a wait failed", order=order.client_order_id)
        return None

    def begin_look_beside(self, order: Order, now: float) -> bool:
        """Return whether a look may be taken beside a wait of *order*, and count it; many orders share the looks."""
        every_seconds = BESIDE_EVERY_SECONDS * max(1.0, len(self._beside_at) / BESIDE_MAX)
        is_early = now - self._beside_at.get(order.sent_as, _NEVER) < every_seconds
        if is_early or len(self._looking_beside) >= BESIDE_MAX or self._slots.banned_seconds():
            return False
        self._beside_at[order.sent_as] = now
        self._looking_beside.add(order.sent_as)
        return True

    def end_look_beside(self, order: Order) -> None:
        """Take note that such a look is over."""
        self._looking_beside.discard(order.sent_as)

    def forget(self, order: Order) -> None:
        """Take note that *order* is attempted no more."""
        self._beside_at.pop(order.sent_as, None)

    async def is_untouched(self, order: Order, before: Balance | None) -> bool:
        """Say whether a sale moved nothing: its coins are free as they were *before* it."""
        if self._balances is None or before is None or order.base_qty is None or before.free < order.base_qty:
            return False
        async with self._turns[order.side]:
            after = (await self._balances.balances()).get(order.listing.base_asset)
        return after == before

    def quiet_after(self, error: Exception) -> float:
        """Return for how long to ask nothing after *error*, and let no order out meanwhile."""
        if not isinstance(error, RateLimited):
            return 0.0
        self._slots.quiet_for(error.quiet_seconds, banned=error.banned)
        return error.quiet_seconds

    def shows_by_ms(self) -> int:
        """Return when a request that was just answered, had it made an order, could not be hidden any more."""
        protection_ms = int(self._settings.protection_seconds * 1000)
        return self._time.now_ms() + self._settings.recv_window_ms + protection_ms

    def now_ms(self) -> int:
        return self._time.now_ms()

    def left_seconds(self, order: Order) -> float:
        """Return for how long requests of *order* may begin."""
        return (order.send_until - self._now()).total_seconds()

    def ways_due(self, order: Order, tried: dict[Way, datetime], *, decisive: bool) -> Collection[Way]:
        """Return by which ways to look for *order* now, and count them as *tried*: dear ones rarely, but at the end."""
        now = self._now()
        due = THOROUGH if decisive else [way for way in ways_due(tried, order.decided_at, now, now) if way in THOROUGH]
        tried |= dict.fromkeys(due, now)
        return due

    @property
    def reads(self) -> int:
        return self._settings.absent_reads


class Inquiry:
    """Waits between the attempts of one order, and looks for it meanwhile."""

    def __init__(self, absence: AbsenceCheck, order: Order, before: Balance | None, stopping: asyncio.Event) -> None:
        self._absence = absence
        self._order = order
        self._balance_before = before
        self._stopping = stopping
        self._looking: asyncio.Task[OrderUpdate | None] | None = None
        self._tried: dict[Way, datetime] = {}

    async def wait_before(self, move: Retry, *, written: bool) -> OrderUpdate | None:
        """Wait for as long as *move* says; return what the order came to, or None where *move* may be made.

        An order that may have come of what was *written* is looked for meanwhile.
        """
        if move.in_doubt:
            return await self._proof(move)
        is_worth_a_look = written and (not move.wait_seconds or move.wait_seconds >= BESIDE_WAIT_SECONDS)
        now = asyncio.get_running_loop().time()
        if is_worth_a_look and self._looking is None and self._absence.begin_look_beside(self._order, now):
            look = self._absence.look_beside(self._order)
            self._looking = asyncio.create_task(look, name=f"look-{self._order.symbol}")
            self._looking.add_done_callback(lambda _: self._absence.end_look_beside(self._order))
        await pause(move.wait_seconds, self._stopping)
        if self._looking is not None and not move.wait_seconds:
            await asyncio.wait({self._looking}, timeout=CORRECTION_SECONDS)
        if self._looking is None or not self._looking.done():
            return None
        seen, self._looking = await self._looking, None
        return seen

    def end(self) -> None:
        """Look no longer."""
        self._absence.forget(self._order)
        if self._looking is not None:
            self._looking.cancel()

    async def _proof(self, move: Retry) -> OrderUpdate | None:
        """Look for the order until it is found or proven absent, or nothing of it may be written any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._absence.left_seconds(self._order)):
                proof = AbsenceProof(self._absence.shows_by_ms(), self._absence.reads, move.wait_seconds)
                while proof.wait_seconds <= self._absence.left_seconds(self._order):
                    await pause(proof.wait_seconds, self._stopping)
                    if self._stopping.is_set():
                        break
                    sought = await self._sought(proof)
                    if isinstance(sought, OrderUpdate):
                        return sought
                    if sought or proof.is_complete:
                        return None
                    takes_seconds = proof.takes_seconds(self._absence.now_ms())
                    if self._balance_before is None and takes_seconds > self._absence.left_seconds(self._order):
                        break  # The settlement of orders in doubt may begin sooner.
        return OrderUpdate(OrderEvent.UNANSWERED, Refusal(Reason.OUTCOME_UNKNOWN, move.detail))

    async def _sought(self, proof: AbsenceProof) -> OrderUpdate | bool:
        """Look once; return its acceptance where it is there, else whether the balance proves that it is not."""
        looked_ms = self._absence.now_ms()
        try:
            decisive = proof.is_decisive(looked_ms)
            found = await self._absence.look(
                self._order, self._absence.ways_due(self._order, self._tried, decisive=decisive)
            )
            if found is not None:
                log.warning("an order is there whose answer was no acceptance", order=self._order.client_order_id)
                return found
            untouched = await self._absence.is_untouched(self._order, self._balance_before)
        except (ExchangeError, ClockUncertainError) as error:
            log.info("an order was not looked up", order=self._order.client_order_id, reason=str(error))
            proof.failed(self._absence.quiet_after(error))
            return False
        proof.missed(looked_ms)
        return untouched
