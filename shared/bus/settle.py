"""Handle one delivery and answer the broker exactly once: publish, confirm, acknowledge, in this order."""

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, Protocol, TypeVar

import structlog

from shared.bus.port import Exchange, Handler, Message, Publish, Queue
from shared.errors import PermanentError, TransientError

log = structlog.get_logger()
T = TypeVar("T")

HOLD_SECONDS_FIRST: Final = 0.1
HOLD_SECONDS_MAX: Final = 5.0

REASON: Final = "x-sniper-reason"
QUEUE: Final = "x-sniper-queue"
ATTEMPTS: Final = "x-sniper-attempts"
ORIGINAL_EXCHANGE: Final = "x-sniper-exchange"
ORIGINAL_ROUTING_KEY: Final = "x-sniper-routing-key"
REASON_CHARACTERS_MAX: Final = 500


class Delivery(Protocol):
    """One message handed out by a broker, waiting for its answer."""

    message: Message
    attempt: int
    """1 for the first delivery."""

    async def ack(self) -> None:
        """Take the message off the queue for good. Never raises: an answer that is lost means a redelivery."""

    async def give_back(self) -> None:
        """Return the message to the front of its queue, one attempt older. Never raises."""


class Settler:
    """Runs the handler of one queue and answers for its deliveries."""

    def __init__(self, queue: Queue, handle: Handler, publish: Publish, dead: Exchange, until: asyncio.Event) -> None:
        self._queue = queue
        self._handle = handle
        self._publish = publish
        self._dead = dead
        self._until = until

    async def settle(self, delivery: Delivery) -> None:
        """Answer *delivery*; leave it unanswered (for redelivery) only if told to stop while a dependency is away."""
        try:
            await self._process(delivery)
        except _StoppedWhileHoldingError:
            return
        except PermanentError as error:
            await self._bury(delivery, str(error))
        except Exception as error:
            log.exception("handler failed", queue=self._queue.name, attempt=delivery.attempt)
            await self._retry_or_bury(delivery, f"{type(error).__name__}: {error}")
        else:
            await delivery.ack()

    async def _process(self, delivery: Delivery) -> None:
        if delivery.attempt > self._queue.attempts_max:
            raise PermanentError(f"delivered {delivery.attempt} times without an answer")
        for message in await self._hold(self._handle, delivery.message):
            await self._hold(self._publish, message)

    async def _retry_or_bury(self, delivery: Delivery, reason: str) -> None:
        if delivery.attempt >= self._queue.attempts_max:
            await self._bury(delivery, reason)
            return
        await self._pause(self._queue.retry_delay.total_seconds() * 2 ** (delivery.attempt - 1))
        await delivery.give_back()

    async def _bury(self, delivery: Delivery, reason: str) -> None:
        log.warning("dead letter", queue=self._queue.name, reason=reason, message_id=delivery.message.message_id)
        with suppress(_StoppedWhileHoldingError):
            await self._hold(self._publish, dead_letter(delivery, self._queue, self._dead, reason))
            await delivery.ack()

    async def _hold(self, step: Callable[[Message], Awaitable[T]], message: Message) -> T:
        """Take *step*, again and again while what it depends on is away."""
        for attempt in itertools.count():
            try:
                return await step(message)
            except TransientError as error:
                seconds = min(HOLD_SECONDS_MAX, HOLD_SECONDS_FIRST * 2 ** min(attempt, 10))
                log.warning("holding", queue=self._queue.name, message_id=message.message_id, reason=str(error))
                await self._pause(seconds * random.uniform(0.5, 1))  # noqa: S311 - jitter, not a secret
                if self._until.is_set():
                    raise _StoppedWhileHoldingError from error
        raise AssertionError

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._until.wait(), seconds)


class _StoppedWhileHoldingError(Exception):
    """The service stops while a dependency is away; the broker keeps the message."""


def dead_letter(delivery: Delivery, queue: Queue, dead: Exchange, reason: str) -> Message:
    """Return the message that buries *delivery*: its original bytes, and why in the headers."""
    original = delivery.message
    return Message(
        exchange=dead.name,
        routing_key=queue.name,
        body=original.body,
        message_id=original.message_id,
        content_type=original.content_type,
        headers={
            **original.headers,
            REASON: reason[:REASON_CHARACTERS_MAX],
            QUEUE: queue.name,
            ATTEMPTS: str(delivery.attempt),
            ORIGINAL_EXCHANGE: original.exchange,
            ORIGINAL_ROUTING_KEY: original.routing_key,
        },
    )
