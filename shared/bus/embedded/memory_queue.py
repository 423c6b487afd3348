"""In-memory part of one queue of the in-process bus."""

import asyncio
import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Never

import structlog

from shared.bus.embedded.lock import QueueLease, QueueLocks
from shared.bus.embedded.store import MessageStore, StoredMessage
from shared.bus.port import Message, Queue
from shared.errors import TransientError, jittered, pause
from shared.log_pace import LogPace

log = structlog.get_logger()

HELD_MAX: Final = 200
"""Messages held in memory; the rest wait in the table."""
POLL_SECONDS: Final = 0.5
"""Interval of looks for messages that other processes published."""
FLUSH_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class Held:
    """Message in memory; *deliveries* counts this one, *expires_at* is in the time of the event loop."""

    id: int
    message: Message
    deliveries: int
    expires_at: float

    def __lt__(self, other: "Held") -> bool:
        return self.id < other.id


class MemoryQueue:
    """Delivers the messages of one queue, oldest first: those published here at once, others from the table."""

    def __init__(self, queue: Queue, store: MessageStore, locks: QueueLocks, unseen: Counter[str]) -> None:
        """*unseen* counts, by queue, the messages being stored without a place in memory."""
        self.queue = queue
        self._unseen = unseen
        self._store = store
        self._locks = locks
        self._lease: QueueLease | None = None
        self._waiting: list[Held] = []
        self._reserved = 0
        self._acknowledged: set[int] = set()
        # Ids that may still be in the table and need no loading: waiting, being handled, or just acknowledged.
        self._known: set[int] = set()
        # While messages wait in the table only, younger ones have to wait behind them there.
        self._is_behind = True
        self._refused_one = False
        self._has_waiting = asyncio.Event()
        self._load_now = asyncio.Event()
        self._has_acknowledged = asyncio.Event()
        self._log_unread, self._log_unacknowledged = LogPace(), LogPace()

    def is_flowing(self) -> bool:
        return self._lease is not None and not self._lease.session.lost.is_set()

    def reserve(self) -> bool:
        """Reserve a place for a message about to be stored; return False where it has to wait in the table."""
        has_room = len(self._waiting) + self._reserved < HELD_MAX
        if has_room and not self._is_behind and self.is_flowing():
            self._reserved += 1
            return True
        self._is_behind = self._refused_one = True
        return False

    def release(self) -> None:
        """Release a place, once its message is stored or failed to be."""
        self._reserved -= 1

    def mark_behind(self) -> None:
        """Note that a message was stored without a place in memory."""
        self._is_behind = True
        self._load_if_low()

    def offer(self, row: StoredMessage) -> None:
        """Enqueue a stored message."""
        if row.id not in self._known:
            lifetime = float("inf") if self.queue.time_to_live is None else self.queue.time_to_live.total_seconds()
            self.put_back(Held(row.id, row.message, row.deliveries, _now() + lifetime - row.age_seconds))

    def put_back(self, held: Held) -> None:
        """Requeue *held*, before all younger ones."""
        self._known.add(held.id)
        heapq.heappush(self._waiting, held)
        self._has_waiting.set()

    async def take(self) -> Held:
        """Return the oldest message that has not expired. Cancellation loses none."""
        while True:
            while not self._waiting:
                self._has_waiting.clear()
                await self._has_waiting.wait()
            held = heapq.heappop(self._waiting)
            if held.expires_at > _now():
                self._load_if_low()
                return held
            self._forget([held])
            self._load_now.set()

    def acknowledge(self, held: Held) -> None:
        """Remove *held* from the queue with the next flush."""
        self._acknowledged.add(held.id)
        self._has_acknowledged.set()

    async def count(self, held: Held) -> None:
        """Store how often *held* has been delivered."""
        await self._store.count(self.queue.name, {held.id: held.deliveries})

    async def read(self) -> Never:
        """Take the queue's lock and load messages from the table, until cancelled."""
        failures = 0
        while True:
            try:
                if self.is_flowing() or await self._acquire():
                    await self._load()
                failures = 0
            except TransientError as error:
                failures += 1
                if self._log_unread.is_due():
                    log.warning("cannot read", queue=self.queue.name, reason=str(error))
            await pause(jittered(failures) if failures else POLL_SECONDS, self._load_now)
            self._load_now.clear()

    async def flush(self) -> Never:
        """Delete acknowledged messages in batches, until cancelled."""
        while True:
            await self._has_acknowledged.wait()
            await asyncio.sleep(FLUSH_SECONDS)
            try:
                await self._delete_acknowledged()
            except TransientError as error:
                if self._log_unacknowledged.is_due():
                    log.warning("acknowledgements wait", queue=self.queue.name, reason=str(error))
                await asyncio.sleep(POLL_SECONDS)

    async def close(self) -> None:
        """Store the deliveries, and release the queue."""
        try:
            await self._delete_acknowledged()
            # Counted when they were loaded, but no handler has seen them.
            await self._store.count(self.queue.name, {held.id: held.deliveries - 1 for held in self._waiting})
            if self._lease is not None:
                await self._locks.release(self._lease)
        except TransientError as error:
            log.warning("stopped without the database, messages come again", queue=self.queue.name, reason=str(error))

    async def _acquire(self) -> bool:
        # Messages from before the lock was lost may belong to another process by now.
        self._forget(self._waiting)
        self._waiting.clear()
        self._is_behind = True
        self._lease = await self._locks.take(self.queue.name)
        return self._lease is not None

    async def _load(self) -> None:
        """Dead-letter what expired, and fill the free places from the table.

        Afterwards publishers may hand over in memory again, unless the table may hold more: it filled all free places,
        or a message was stored without a place while it was read.
        """
        if self.queue.time_to_live is not None:
            # The table dead-letters them.
            now = _now()
            self._forget(held for held in self._waiting if held.expires_at <= now)
            self._waiting = [held for held in self._waiting if held.expires_at > now]
            heapq.heapify(self._waiting)
            await self._store.bury_expired(self.queue, known=self._known)
        room = HELD_MAX - len(self._waiting) - self._reserved
        if room <= 0:
            return
        self._refused_one = self._unseen[self.queue.name] > 0
        rows = await self._store.load(self.queue.name, known=self._known, limit=room)
        for row in rows:
            self.offer(row)
        # A message being stored meanwhile may have been missed.
        self._is_behind = self._refused_one or len(rows) == room

    def _load_if_low(self) -> None:
        if self._is_behind and len(self._waiting) < HELD_MAX // 2:
            self._load_now.set()

    def _forget(self, forgotten: Iterable[Held]) -> None:
        self._known.difference_update([held.id for held in forgotten])

    async def _delete_acknowledged(self) -> None:
        ids = list(self._acknowledged)
        if ids:
            await self._store.delete(self.queue.name, ids)
        self._acknowledged.difference_update(ids)
        self._known.difference_update(ids)
        if not self._acknowledged:
            self._has_acknowledged.clear()


@dataclass(slots=True)
class EmbeddedDelivery:
    """Delivery of one message, until it is acknowledged or requeued."""

    message: Message
    attempt: int
    held: Held
    memory: MemoryQueue
    is_answered: bool = False

    async def ack(self) -> None:
        self.is_answered = True
        self.memory.acknowledge(self.held)

    async def requeue(self) -> None:
        self.is_answered = True
        again = replace(self.held, deliveries=self.held.deliveries + 1)
        try:
            await self.memory.count(again)
        except TransientError as error:
            log.warning("attempt not counted", message_id=self.message.message_id, reason=str(error))
        self.memory.put_back(again)

    def abandon(self) -> None:
        """Requeue a message without an answer, because its handler was stopped."""
        if not self.is_answered:
            self.memory.put_back(replace(self.held, deliveries=self.held.deliveries + 1))


def _now() -> float:
    return asyncio.get_running_loop().time()
