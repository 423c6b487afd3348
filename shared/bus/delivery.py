"""Processing of one delivery: handle, publish, confirm, acknowledge, in this order; nothing else does so."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol, TypeVar

import structlog

from shared.bus import tracing
from shared.bus.metrics import BusMetrics
from shared.bus.port import Exchange, Handler, Message, Publish, Queue
from shared.errors import DOUBLINGS_MAX, PermanentError, TransientError, jittered, pause
from shared.log_context import bind_event_id
from shared.log_pace import LogPace

log = structlog.get_logger()
T = TypeVar("T")

TRANSIENT_SECONDS_FIRST: Final = 0.1
TRANSIENT_SECONDS_MAX: Final = 5.0
RETRY_SECONDS_MAX: Final = 30.0

REASON: Final = "x-sniper-reason"
QUEUE: Final = "x-sniper-queue"
ATTEMPTS: Final = "x-sniper-attempts"
ORIGINAL_EXCHANGE: Final = "x-sniper-exchange"
ORIGINAL_ROUTING_KEY: Final = "x-sniper-routing-key"
REASON_CHARACTERS_MAX: Final = 500


class Delivery(Protocol):
    """Message delivered by a broker, to be acknowledged or requeued."""

    @property
    def message(self) -> Message: ...

    @property
    def attempt(self) -> int:
        """Return 1 for the first delivery."""

    async def ack(self) -> None:
        """Acknowledge the message. Never raises: a lost acknowledgement means a redelivery."""

    async def requeue(self) -> None:
        """Return the message to the front of its queue, one attempt older. Never raises."""


class DeliveryProcessor:
    """Runs the handler of one queue, and acknowledges or requeues its deliveries."""

    def __init__(
        self,
        queue: Queue,
        handle: Handler,
        publish: Publish,
        dead: Exchange,
        until: asyncio.Event,
        metrics: BusMetrics | None = None,
    ) -> None:
        self.queue = queue
        self.until = until
        self._handle = handle
        self._publish = publish
        self._dead = dead
        self._log_held = LogPace()
        self._metrics = (metrics or BusMetrics()).of_queue(queue.name)

    async def process(self, delivery: Delivery) -> None:
        """Process *delivery*; leave it unanswered (for redelivery) only if stopped while a dependency is away."""
        bind_event_id(delivery.message.message_id)
        with self._metrics.handling(delivery.attempt), tracing.handling(self.queue.name, delivery.message):
            try:
                await self._handle_and_publish(delivery)
            except _StoppedWhileRetryingError:
                return
            except PermanentError as error:
                await self._dead_letter(delivery, str(error))
            except Exception as error:
                log.exception("handler failed", queue=self.queue.name, attempt=delivery.attempt)
                await self._retry_or_dead_letter(delivery, f"{type(error).__name__}: {error}")
            else:
                await delivery.ack()

    async def refuse(self, delivery: Delivery, reason: str) -> None:
        """Dead-letter *delivery* without a look at it."""
        with self._metrics.handling(delivery.attempt):
            await self._dead_letter(delivery, reason)

    async def _handle_and_publish(self, delivery: Delivery) -> None:
        if delivery.attempt > self.queue.deliveries_max:
            raise PermanentError(f"delivered {delivery.attempt} times without an answer")
        for message in await self._retry_transient(self._handle, delivery.message):
            await self._retry_transient(self._publish, message)

    async def _retry_or_dead_letter(self, delivery: Delivery, reason: str) -> None:
        if delivery.attempt >= self.queue.attempts_max:
            await self._dead_letter(delivery, reason)
        else:
            await self._requeue_later(delivery)

    async def _dead_letter(self, delivery: Delivery, reason: str) -> None:
        if not self.queue.dead_letters:
            await self._requeue_later(delivery)
            return
        log.warning("dead letter", queue=self.queue.name, reason=reason, message_id=delivery.message.message_id)
        with suppress(_StoppedWhileRetryingError):
            await self._retry_transient(self._publish, dead_letter(delivery, self.queue, self._dead, reason))
            self._metrics.dead_lettered()
            await delivery.ack()

    async def _requeue_later(self, delivery: Delivery) -> None:
        doublings = min(delivery.attempt - 1, DOUBLINGS_MAX)
        await pause(min(RETRY_SECONDS_MAX, self.queue.retry_delay.total_seconds() * 2**doublings), self.until)
        await delivery.requeue()

    async def _retry_transient(self, step: Callable[[Message], Awaitable[T]], message: Message) -> T:
        """Take *step*, and retry it with back-off while it raises TransientError."""
        for attempt in itertools.count():
            try:
                return await step(message)
            except TransientError as error:
                if self._log_held.is_due():
                    log.warning("holding", queue=self.queue.name, message_id=message.message_id, reason=str(error))
                seconds = jittered(attempt, first_seconds=TRANSIENT_SECONDS_FIRST, max_seconds=TRANSIENT_SECONDS_MAX)
                await pause(seconds, self.until)
                if self.until.is_set():
                    raise _StoppedWhileRetryingError from error
        raise AssertionError


class _StoppedWhileRetryingError(Exception):
    """The service stops while a dependency is away; the broker keeps the message."""


def dead_letter(delivery: Delivery, queue: Queue, dead: Exchange, reason: str) -> Message:
    """Return the dead letter of *delivery*: its original bytes, with the reason in the headers."""
    original = delivery.message
    return Message(
        exchange=dead.name,
        routing_key=queue.name,
        body=original.body,
        message_id=original.message_id,
        content_type=original.content_type,
        type=original.type,
        headers={
            **original.headers,
            REASON: reason[:REASON_CHARACTERS_MAX],
            QUEUE: queue.name,
            ATTEMPTS: str(delivery.attempt),
            ORIGINAL_EXCHANGE: original.exchange,
            ORIGINAL_ROUTING_KEY: original.routing_key,
        },
    )
