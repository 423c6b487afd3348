"""In-process bus on PostgreSQL: a message stays in a table until it is acknowledged."""

import asyncio
import itertools
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache, partial
from typing import Final, Never

import structlog

from shared.bus.amqp_arguments import ARCHIVE_AGE
from shared.bus.delivery import DeliveryProcessor
from shared.bus.drain import consume_until
from shared.bus.embedded.lock import QueueLocks
from shared.bus.embedded.memory_queue import EmbeddedDelivery, MemoryQueue
from shared.bus.embedded.store import DeadLetterQueues, MessageStore, StoredMessage, Target
from shared.bus.metrics import BusMetrics
from shared.bus.port import Handler, Message, Queue, Topology, matches
from shared.bus.tracing import with_trace_context
from shared.errors import TransientError
from shared.log_pace import LogPace
from shared.postgres.database import Pool

log = structlog.get_logger()

UPKEEP_SECONDS: Final = 1.0
ROUTES_MAX: Final = 1_000
"""Addresses whose queues are remembered: events have a few dozen."""
PRUNE_TURNS: Final = 60
PRUNE_ROWS: Final = 10_000
"""Rows deleted at once: more than are published between two turns, few enough to be fast."""


@asynccontextmanager
async def open_embedded(
    pool: Pool, topology: Topology, *, drain_seconds: float, metrics: BusMetrics | None = None
) -> AsyncIterator["EmbeddedBus"]:
    """Yield a bus on the table ``bus_messages``, which migrations create.

    Other processes on the same database share its queues: any may publish, one at a time consumes each queue.
    """
    bus = EmbeddedBus(pool, topology, metrics or BusMetrics(), drain_seconds=drain_seconds)
    upkeep = asyncio.create_task(bus.keep_up(), name="bus upkeep")
    try:
        yield bus
    finally:
        upkeep.cancel()
        await asyncio.wait([upkeep])
        await bus.close()


class EmbeddedBus:
    """A `Bus` that hands messages over in memory once they are committed."""

    def __init__(self, pool: Pool, topology: Topology, metrics: BusMetrics, *, drain_seconds: float) -> None:
        self._topology = topology
        self._metrics = metrics
        self._drain_seconds = drain_seconds
        self._bound = lru_cache(ROUTES_MAX)(partial(bound_queues, topology))
        self._store = MessageStore(pool, DeadLetterQueues(topology.dead, self._bound(topology.dead.name, "")))
        self._locks = QueueLocks(pool)
        self._unseen: Counter[str] = Counter()
        self._memory_queues: defaultdict[str, list[MemoryQueue]] = defaultdict(list)

    def is_connected(self) -> bool:
        """Return whether the database answers and every consumed queue is ours."""
        memory_queues = self._memory_queues.values()
        return self._store.is_reachable() and all(
            any(memory.is_flowing() for memory in of_queue) for of_queue in memory_queues
        )

    async def publish(self, message: Message, /) -> None:
        """Return once *message* is committed for every queue bound to it."""
        message, queues = with_trace_context(message), self._bound(message.exchange, message.routing_key)
        if not queues:
            self._metrics.returned(message.exchange)
            raise TransientError(f"no queue takes {message.routing_key} of {message.exchange}")
        places = {
            queue: memory
            for queue in queues
            if (memory := next((each for each in self._memory_queues.get(queue, ()) if each.reserve()), None))
        }
        with self._metrics.publishing(message.exchange):
            ids = await self._store_for(queues, message, places)
        for queue, memory in places.items():
            memory.offer(StoredMessage(ids[queue], 1, message))

    async def _store_for(
        self, queues: Sequence[str], message: Message, places: Mapping[str, MemoryQueue]
    ) -> dict[str, int]:
        unseen = [queue for queue in queues if queue not in places]
        self._unseen.update(unseen)
        try:
            return await self._store.publish(message, [Target(queue, queue in places) for queue in queues])
        finally:
            for memory in places.values():
                memory.release()
            self._unseen.subtract(unseen)
            for queue in unseen:
                for memory in self._memory_queues.get(queue, ()):
                    memory.mark_behind()

    async def consume(self, queue: Queue, handle: Handler, *, until: asyncio.Event) -> None:
        """See `Bus.consume`; while another consumer has the queue, this one waits for its turn."""
        processor = DeliveryProcessor(queue, handle, self.publish, self._topology.dead, until, self._metrics)
        async with self._opened(queue) as memory:
            await consume_until(until, partial(_run, memory, processor), drain_seconds=self._drain_seconds)

    async def keep_up(self) -> Never:
        """Dead-letter expired messages of queues without a consumer, and prune archives, until cancelled."""
        pace = LogPace()
        for turn in itertools.count():
            try:
                await self._store.ping()
                await self._bury_expired()
                if turn % PRUNE_TURNS == 0:
                    for queue in self._topology.queues:
                        if queue.kind == "stream":
                            await self._store.prune(queue.name, older_than=ARCHIVE_AGE, limit=PRUNE_ROWS)
            except TransientError as error:
                if pace.is_due():
                    log.warning("no upkeep", reason=str(error))
            except Exception:
                log.exception("no upkeep")
            await asyncio.sleep(UPKEEP_SECONDS)
        raise AssertionError

    async def close(self) -> None:
        """Release the queues to other processes."""
        await self._locks.close()

    async def _bury_expired(self) -> None:
        for queue in self._topology.queues:
            if queue.time_to_live is not None and queue.name not in self._memory_queues:
                lease = await self._locks.take(queue.name)
                if lease is not None:
                    try:
                        await self._store.bury_expired(queue)
                    finally:
                        await self._locks.release(lease)

    @asynccontextmanager
    async def _opened(self, queue: Queue) -> AsyncIterator[MemoryQueue]:
        memory = MemoryQueue(queue, self._store, self._locks, self._unseen)
        self._memory_queues[queue.name].append(memory)
        try:
            yield memory
        finally:
            self._memory_queues[queue.name].remove(memory)
            if not self._memory_queues[queue.name]:
                del self._memory_queues[queue.name]
            await memory.close()


def bound_queues(topology: Topology, exchange: str, routing_key: str) -> Sequence[str]:
    """Return the names of the queues that take messages of *routing_key* from *exchange*."""
    return tuple(
        queue.name
        for queue in topology.queues
        if any(
            binding.exchange.name == exchange
            and (binding.exchange.kind == "fanout" or matches(binding.pattern, routing_key))
            for binding in queue.bindings
        )
    )


async def _run(memory: MemoryQueue, processor: DeliveryProcessor, handlers: asyncio.TaskGroup) -> None:
    async with asyncio.TaskGroup() as pumps:
        pumps.create_task(memory.read(), name=f"read {memory.queue.name}")
        pumps.create_task(memory.flush(), name=f"flush {memory.queue.name}")
        await _hand_out(memory, processor, handlers)


async def _hand_out(memory: MemoryQueue, processor: DeliveryProcessor, handlers: asyncio.TaskGroup) -> None:
    slots = asyncio.Semaphore(memory.queue.prefetch)

    async def handle(delivery: EmbeddedDelivery) -> None:
        try:
            await processor.process(delivery)
        finally:
            delivery.abandon()

    while True:
        await slots.acquire()
        held = await memory.take()
        if processor.until.is_set():
            memory.put_back(held)
            return
        delivery = EmbeddedDelivery(held.message, held.deliveries, held, memory)
        task = handlers.create_task(handle(delivery), name=f"{memory.queue.name}:{held.id}")
        task.add_done_callback(lambda _: slots.release())
