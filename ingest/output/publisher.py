"""Publisher of sightings as raw events, held while the broker is away."""

import asyncio
import itertools
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Final

import structlog
from pydantic import ValidationError

from ingest.catalogue import Sighting
from ingest.metrics import Metrics
from ingest.output.late_hold import LateHold
from ingest.output.unplaced_symbols import UnplacedSymbols, dead_letter, printable
from shared.bus.port import Bus
from shared.bus.tracing import sighting as sighting_span
from shared.errors import TransientError, jittered
from shared.events import RawListing, utc_now
from shared.log_context import listing_context
from shared.mexc.symbols import Pair, key_of, rules_of, split_symbol
from shared.wire import topology
from shared.wire.cloudevents import explain

log = structlog.get_logger(__name__)

RETRY_MAX_SECONDS: Final = 2.0
ASSET_LENGTH_MAX: Final = 40


Ahead = Callable[[RawListing], asyncio.Future[None] | None]
"""Receives each event right before it is published. The publication leaves the processor to what it returns first."""

HEAD_START_SECONDS: Final = 0.02
"""The longest that a publication waits for that."""


def no_head_start(_: RawListing) -> None:
    """Take nothing ahead."""


def raw_listing(sighting: Sighting, event_id: str, published_at: datetime) -> RawListing:
    """Return the event of *sighting*; raise ValidationError where it does not fit the contract."""
    record = sighting.record
    pair = split_symbol(record.symbol) or Pair(record.symbol, "")
    return RawListing(
        id=event_id,
        symbol=record.symbol,
        base_asset=record.base_asset if _is_asset(record.base_asset) else pair.base,
        quote_asset=record.quote_asset if _is_asset(record.quote_asset) else pair.quote,
        source=sighting.source,
        listed_at=sighting.observed_at,
        opens_at=record.opens_at,
        observed_at=sighting.observed_at,
        published_at=published_at,
        occurrence=record.occurrence,
        late=sighting.late,
        tradable=not sighting.not_tradable_reason,
        not_tradable_reason=sighting.not_tradable_reason,
        price=sighting.price,
        rules=None if sighting.info is None else rules_of(sighting.info),
    )


def _is_asset(text: str) -> bool:
    """Return whether *text* fits events and the database; an empty one means unknown."""
    return len(text) <= ASSET_LENGTH_MAX and text.isprintable()


class Publisher:
    """Publishes each sighting in a task of its own, so that detection does not wait for the broker's confirm."""

    def __init__(
        self,
        bus: Bus,
        tasks: asyncio.TaskGroup,
        metrics: Metrics,
        pending_max: int,
        now: Callable[[], datetime] = utc_now,
        unplaced: UnplacedSymbols | None = None,
    ) -> None:
        self._bus = bus
        self._tasks = tasks
        self._metrics = metrics
        self._now = now
        self._unplaced = unplaced or UnplacedSymbols()
        self.ahead: Ahead = no_head_start
        self.hold = LateHold()
        self.late_hold_seconds = 0.0
        """First sightings of what is late are published so long after they were made: another process may have seen the
        symbol appear, and the first to be published decides what a listing is."""
        self._slots = asyncio.Semaphore(pending_max)
        self._pending: set[asyncio.Task[None]] = set()

    async def publish(self, sighting: Sighting, on_confirmed: Callable[[Sighting], None]) -> None:
        """Start publishing; *on_confirmed* is called once the broker has confirmed it.

        What does not fit the contract goes to the dead letters instead, once. Returns without waiting for the
        broker, unless too many sightings wait for it already.
        """
        if sighting.lacks_description:
            publish: Callable[[], Coroutine[None, None, None]] = partial(self._hold, sighting, on_confirmed)
        else:
            publish = self._prepare(sighting, on_confirmed)
        await self._slots.acquire()
        task = self._tasks.create_task(publish(), name=f"publish-{sighting.record.symbol}")
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)
        task.add_done_callback(lambda _: self._slots.release())

    async def drain(self, seconds: float) -> None:
        """Wait for pending sightings for *seconds* at most; give up the rest."""
        if not self._pending:
            return
        _, overdue = await asyncio.wait(self._pending, timeout=seconds)
        for task in overdue:
            task.cancel()
        if overdue:
            log.warning("sightings not published; the next start publishes them late", count=len(overdue))

    def _prepare(
        self, sighting: Sighting, on_confirmed: Callable[[Sighting], None], held_seconds: float = 0.0
    ) -> Callable[[], Coroutine[None, None, None]]:
        """Pass the event of *sighting* ahead, and return what publishes it."""
        try:
            event = raw_listing(sighting, secrets.token_hex(16), self._now())
        except ValidationError as error:
            return partial(self._dead_letter, sighting, explain(error), on_confirmed)
        first = None
        try:
            first = self.ahead(event)
        except Exception:
            # Whatever is wrong with the way beside it, the sighting is published.
            log.exception("a sighting was not passed ahead", symbol=event.symbol)
        hold_seconds = self.late_hold_seconds - held_seconds if sighting.is_late_first else 0.0
        return partial(self._publish_event, event, sighting, on_confirmed, first, hold_seconds)

    async def _hold(self, sighting: Sighting, on_confirmed: Callable[[Sighting], None]) -> None:
        """Publish *sighting* once its symbol is described, with what is known by then; or after a while without."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        described = await self.hold.described(sighting)
        await self._prepare(described, on_confirmed, loop.time() - began)()

    async def _dead_letter(self, sighting: Sighting, reason: str, on_confirmed: Callable[[Sighting], None]) -> None:
        """Publish a dead letter for what does not fit the contract, and keep it in health until it is acknowledged."""
        self._metrics.unpublishable.inc()
        self._metrics.raw_events.labels(sighting.source, "buried").inc()
        name = printable(sighting.record.symbol)
        if self._unplaced.is_stored(name):
            on_confirmed(sighting)
        elif self._unplaced.add(name, reason):
            log.warning("not published", symbol=name, source=sighting.source, reason=reason)
            letter = dead_letter(sighting, secrets.token_hex(16), reason)
            await self._retry_until_done(name, partial(self._bus.publish, letter))
            await self._retry_until_done(name, partial(self._unplaced.store, name, reason))
            on_confirmed(sighting)

    async def _retry_until_done(self, name: str, step: Callable[[], Awaitable[None]]) -> None:
        for attempt in itertools.count():
            try:
                return await step()
            except TransientError as error:
                log.warning("holding a sighting", symbol=name, reason=str(error))
                await asyncio.sleep(jittered(attempt, max_seconds=RETRY_MAX_SECONDS))
        raise AssertionError

    async def _publish_event(
        self,
        event: RawListing,
        sighting: Sighting,
        on_confirmed: Callable[[Sighting], None],
        first: asyncio.Future[None] | None,
        hold_seconds: float,
    ) -> None:
        """Publish *event* after *hold_seconds*, once *first* is done, until the broker has confirmed it."""
        if hold_seconds > 0:
            await asyncio.sleep(hold_seconds)
            event = event.model_copy(update={"published_at": self._now()})
        if first is not None:
            await asyncio.wait([first], timeout=HEAD_START_SECONDS)
        with listing_context(key_of(event), event.id), sighting_span(event.source, sighting.observed_at):
            for attempt in itertools.count():
                try:
                    await self._bus.publish(topology.to_message(event))
                    break
                except TransientError as error:
                    self._metrics.publish_retries.inc()
                    log.warning("holding a sighting", symbol=event.symbol, source=event.source, reason=str(error))
                    await asyncio.sleep(jittered(attempt, max_seconds=RETRY_MAX_SECONDS))
                    event = event.model_copy(update={"published_at": self._now()})
            seconds = (self._now() - sighting.observed_at).total_seconds()
            on_confirmed(sighting)
            self._metrics.raw_events.labels(event.source, "late" if event.late else "published").inc()
            self._metrics.publish_seconds.labels(event.source).observe(seconds)
            log.info("listing seen", symbol=event.symbol, source=event.source, late=event.late, seconds=seconds)


@asynccontextmanager
async def publishing(
    bus: Bus,
    metrics: Metrics,
    pending_max: int,
    *,
    drain_seconds: float,
    now: Callable[[], datetime] = utc_now,
    unplaced: UnplacedSymbols | None = None,
) -> AsyncIterator[Publisher]:
    """Lend a publisher to the body; at its end, drain it for *drain_seconds*."""
    async with asyncio.TaskGroup() as tasks:
        publisher = Publisher(bus, tasks, metrics, pending_max, now, unplaced)
        yield publisher
        await publisher.drain(drain_seconds)
