"""Pipeline of a replay: today's dedup and executor, fed with one recorded sighting after the other.

Its clock is the recording's, at the time of the current sighting. So limits by the minute and the day hold as they
would have at any speed, and the same recording under the same settings gives the same decisions.
Orders are decided on and committed as on paper, and then end unsent: market data is not recorded.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry

from cli.replay.clock import Clock
from dedup.handler import Deduplicate
from dedup.ledger import ClaimCache, Ledger
from dedup.metrics import ClockSkew, Metrics
from dedup.observations import Observation, Observations
from dedup.settings import DedupSettings
from executor.decisions.limits import MassListing
from executor.halts.halt_causes import HaltCause, latch
from executor.journal.decision_writer import DecisionWriter
from executor.journal.order_transitions import OrderTransitions
from executor.journal.outbox import Outbox
from executor.listing_handler import BuyListing, Consequences
from executor.metrics import ExecutorMetrics
from executor.model import Decided, Order, OrderEvent, OrderUpdate, Outcome, Reason, Refusal
from executor.sending.purchase_decisions import PurchaseDecisions
from executor.settings import ExecutorSettings
from shared.events import Listing, Mode, RawListing, Trade
from shared.postgres.database import Database
from shared.process.runtime import Runtime
from shared.settings import load
from shared.wire.topology import DEDUP_RAW, EXECUTOR_LISTINGS, EXECUTOR_OPENINGS, message_handler, to_message

UNSENT: Final = "a replay sends nothing"
HANDLED_SECONDS_MAX: Final = 30.0


class _DecisionMetrics(ExecutorMetrics):
    """Metrics that also keep the latest decision."""

    def __init__(self, registry: CollectorRegistry, *, now: Callable[[], datetime]) -> None:
        super().__init__(registry, now=now)
        self.latest: Decided | None = None

    def decided(self, decided: Decided, seconds: float) -> None:
        super().decided(decided, seconds)
        self.latest = decided

    def recorded(self, order: Order, update: OrderUpdate) -> None:
        """Count a step in the life of *order*."""
        self.stepped(order, update.reason)


class _Nowhere:
    """The way out of orders: none leaves."""

    def prepare(self, order: Order) -> None: ...

    def forget(self, order: Order) -> None: ...

    def send(self, order: Order) -> None: ...

    def rehearse(self, order: Order) -> None: ...


class _Unsent(Refusal):
    """The end of every purchase of a replay."""

    def __str__(self) -> str:
        return UNSENT


@dataclass(frozen=True, slots=True)
class _HaltRequest:
    cause: HaltCause
    mode: Mode | None
    reason: str


class Pipeline:
    """Dedup and executor in a sandbox."""

    def __init__(self, runtime: Runtime, settings: ExecutorSettings, clock: Clock) -> None:
        self._runtime = runtime
        self._clock = clock
        self._halting: list[_HaltRequest] = []
        self._handled: dict[str, asyncio.Event] = {}
        self.decisions: dict[str, str] = {}
        registry = CollectorRegistry()
        self._metrics = _DecisionMetrics(registry, now=clock.now)
        self._outbox = Outbox(runtime.database, runtime.bus, alarm=_no_alarm)
        filled = self._outbox.filled
        journal = DecisionWriter(runtime.database, settings, outbox_filled=filled, now=clock.now)
        self._decisions = PurchaseDecisions(journal, settings, live=False, unready=lambda: None, now=clock.now)
        self._books = OrderTransitions(
            runtime.database,
            settings,
            outbox_filled=filled,
            count=self._metrics.recorded,
            now=clock.now,
            alarm=_no_alarm,
        )
        self._buy = BuyListing(
            self._decisions,
            MassListing(settings.listings_per_minute_max),
            Consequences(_Nowhere(), lambda: None, self._halt),
            self._metrics,
            settings,
            now=clock.now,
        )
        self._deduplicate = deduplicator(runtime.database, load(DedupSettings), now=clock.now)

    async def play(self, raw: RawListing) -> None:
        """Publish *raw* and return once all decisions that follow from it are made."""
        await self.open_until(raw.published_at)
        self._clock.advance(raw.published_at)
        handled = self._handled[raw.id] = asyncio.Event()
        await self._runtime.bus.publish(to_message(raw))
        async with asyncio.timeout(HANDLED_SECONDS_MAX):
            await handled.wait()
            while self._handled:
                await next(iter(self._handled.values())).wait()

    async def open_until(self, moment: datetime | None) -> None:
        """Decide on armed orders with an opening before *moment* (None: any), each at its time."""
        while True:
            armed = [each for each in await self._books.armed(list(Mode)) if each.fire_at is not None]
            due = [each for each in armed if moment is None or (each.fire_at is not None and each.fire_at <= moment)]
            if not due:
                return
            await self._fire(min(due, key=lambda each: (each.fire_at or self._clock.now(), each.client_order_id)))

    async def _fire(self, order: Order) -> None:
        if order.fire_at is not None:
            self._clock.advance(order.fire_at)
        decided = await self._decisions.fire(order)
        self.decisions[order.listing_key] = f"{decision_text(decided)}, at its opening"
        if decided.outcome is Outcome.DENIED:
            await self._books.record(order, OrderUpdate(OrderEvent.DENIED, decided.why))
        elif decided.order is not None:
            await self._books.record(decided.order, OrderUpdate(OrderEvent.LAPSED, _Unsent(Reason.INTERRUPTED)))

    async def serve(self) -> None:
        """Consume until the runtime stops, then publish the last trades."""
        bus, stop, ended = self._runtime.bus, self._runtime.stop, asyncio.Event()
        async with asyncio.TaskGroup() as beside:
            beside.create_task(self._outbox.relay(ended), name="outbox")
            async with asyncio.TaskGroup() as tasks:
                for queue, handler in (
                    (DEDUP_RAW, message_handler(RawListing, self._sighted)),
                    (EXECUTOR_LISTINGS, message_handler(Listing, self._listed)),
                    (EXECUTOR_OPENINGS, message_handler(Listing, self._listed)),
                ):
                    tasks.create_task(bus.consume(queue, handler, until=stop), name=queue.name)
            ended.set()
            self._outbox.filled()

    async def _sighted(self, raw: RawListing) -> Sequence[Listing]:
        try:
            news = await self._deduplicate(raw)
            for listing in news:
                self._handled[listing.id] = asyncio.Event()
        finally:
            self._done(raw.id)
        return news

    async def _listed(self, listing: Listing) -> Sequence[Trade]:
        self._metrics.latest = None
        try:
            await self._buy(listing)
            await self._settle(listing)
        finally:
            self._done(listing.id)
        return ()

    def _done(self, event_id: str) -> None:
        if event_id in self._handled:
            self._handled.pop(event_id).set()

    async def _settle(self, listing: Listing) -> None:
        halted = await self._latched()
        decided = self._metrics.latest
        if decided is None or decided.outcome is Outcome.REPEATED:
            return
        if decided.outcome is Outcome.BUY and decided.order is not None:
            why = halted or _Unsent(Reason.INTERRUPTED)
            await self._books.record(decided.order, OrderUpdate(OrderEvent.LAPSED, why))
        refused = halted and decided.outcome is Outcome.BUY
        self.decisions[listing.key] = f"refused: {halted}" if refused else decision_text(decided)

    def _halt(self, cause: HaltCause, mode: Mode | None, reason: str) -> None:
        self._halting.append(_HaltRequest(cause, mode, reason))

    async def _latched(self) -> Refusal | None:
        """Commit the halts that were called for; return the reason, as the final pre-send check would report it."""
        raised, self._halting = self._halting, []
        async with self._runtime.database.connection() as connection:
            for each in raised:
                await latch(connection, each.cause, each.mode, each.reason)
        return Refusal(Reason.HALTED, f"{raised[0].cause}: {raised[0].reason}") if raised else None


def deduplicator(database: Database, settings: DedupSettings, *, now: Callable[[], datetime]) -> Deduplicate:
    """Return dedup's handler, which writes each observation at once."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    observations = Observations(database, metrics)

    async def observe(observation: Observation) -> None:
        await observations.write([observation])

    skew = ClockSkew(settings.clock_skew_seconds_max, registry)
    seen = ClaimCache(settings.remembered_keys_max)
    return Deduplicate(Ledger(database), seen, observe, metrics, skew, now=now)


def decision_text(decided: Decided) -> str:
    """Return a decision in the words of `recording.decision_of`."""
    match decided.outcome:
        case Outcome.BUY if decided.order is not None:
            return f"buy for {decided.order.quote_qty:f}"
        case Outcome.ARMED:
            return "wait for the opening"
        case Outcome.DENIED:
            return f"refused: {decided.reason}"
        case other:
            return other


def _no_alarm(_: str, __: str) -> None: ...
