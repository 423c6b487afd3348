"""Consumer of one queue of RabbitMQ, across lost channels."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, Never

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage, AbstractQueue
from aiormq.exceptions import ChannelNotFoundEntity

from shared.bus.delivery import DeliveryProcessor
from shared.bus.port import Message
from shared.bus.rabbitmq.client_errors import CLOSE_SECONDS, away_is_transient, run_shielded
from shared.bus.rabbitmq.message import attempt, from_amqp
from shared.bus.rabbitmq.reconnecting_connection import ReconnectingConnection
from shared.errors import TransientError, in_a_line, jittered, pause

log = structlog.get_logger()

WATCH_SECONDS: Final = 15.0
"""Interval of checks that the broker still knows the consumer."""


@dataclass(slots=True)
class RabbitDelivery:
    """Message to be acknowledged on the channel it came by."""

    message: Message
    attempt: int
    incoming: AbstractIncomingMessage
    timeout_seconds: float

    async def ack(self) -> None:
        await self._answer(self.incoming.ack)

    async def requeue(self) -> None:
        # reject, not nack: from RabbitMQ 4.3 on only a reject counts as a delivery.
        await self._answer(partial(self.incoming.reject, requeue=True))

    async def _answer(self, answer: Callable[[], Awaitable[None]]) -> None:
        try:
            with away_is_transient():
                async with asyncio.timeout(self.timeout_seconds):
                    await answer()
        except TransientError as error:
            log.warning("answer lost, the broker delivers again", message=self.message.message_id, reason=str(error))


class Consumer:
    """Consumes one queue, on one channel at a time."""

    def __init__(
        self, connection: ReconnectingConnection, processor: DeliveryProcessor, timeout_seconds: float
    ) -> None:
        self._connection = connection
        self._queue = processor.queue
        self._processor = processor
        self._until = processor.until
        self._timeout_seconds = timeout_seconds
        # Handlers outlive a lost channel while their messages are redelivered on the next one.
        self._slots = asyncio.Semaphore(processor.queue.prefetch)
        self._channel: AbstractChannel | None = None
        self._flowing = False

    def is_flowing(self) -> bool:
        return self._flowing

    async def run(self, handlers: asyncio.TaskGroup) -> Never:
        """Start a task among *handlers* for each message, until cancelled; the channel then stays open for answers."""
        failures = 0
        while True:
            try:
                with away_is_transient():
                    await self._feed(handlers)
                failures = 0
                log.warning("consumer lost, starting over", queue=self._queue.name)
            except TransientError as error:
                failures += 1
                log.warning("cannot consume", queue=self._queue.name, reason=str(error))
            await self.aclose()
            await asyncio.sleep(jittered(failures))

    async def aclose(self) -> None:
        """Close the channel; the broker requeues unanswered messages."""
        channel, self._channel = self._channel, None
        if channel is not None:
            with suppress(TransientError), away_is_transient():
                await run_shielded(channel.close(), seconds=CLOSE_SECONDS)

    async def _feed(self, handlers: asyncio.TaskGroup) -> None:
        # The semaphore is fair: once this passes, no message of an earlier channel is waiting.
        async with self._slots:
            connection = await self._connection.opened()
        lost = asyncio.Event()
        channel = self._channel = connection.channel(publisher_confirms=False)
        queue, tag = await run_shielded(self._start(channel, handlers, lost), seconds=self._timeout_seconds)
        self._flowing = True
        try:
            await self._watch(connection, channel, lost)
        finally:
            self._flowing = False
            if not lost.is_set():
                with suppress(TransientError), away_is_transient():
                    await run_shielded(queue.cancel(tag), seconds=self._timeout_seconds)

    async def _start(
        self, channel: AbstractChannel, handlers: asyncio.TaskGroup, lost: asyncio.Event
    ) -> tuple[AbstractQueue, str]:
        """Start consuming on *channel*; *lost* is set when it closes or the broker cancels its consumer."""
        channel.close_callbacks.add(lambda *_: lost.set())
        await channel.initialize()
        underlay = await channel.get_underlay_channel()
        underlay.on_consumer_cancel_callbacks.add(lambda _: lost.set())
        await channel.set_qos(prefetch_count=self._queue.prefetch)
        queue = await channel.get_queue(self._queue.name, ensure=False)

        async def on_message(incoming: AbstractIncomingMessage) -> None:
            # The client cancels its callbacks when the connection drops, so the handler runs in a task of ours.
            handlers.create_task(self._handle(channel, incoming), name=f"{self._queue.name}:{incoming.delivery_tag}")

        try:
            return queue, await queue.consume(on_message)
        except ChannelNotFoundEntity:
            await self._connection.declare()
            raise

    async def _watch(self, connection: AbstractConnection, channel: AbstractChannel, lost: asyncio.Event) -> None:
        """Return when the broker no longer delivers to *channel*, even without a notification."""
        while True:
            await pause(WATCH_SECONDS, lost)
            if lost.is_set():
                return
            check = channel.declare_queue(self._queue.name, passive=True)
            try:
                queue = await run_shielded(check, seconds=self._timeout_seconds)
            except TimeoutError:
                # Heartbeats would notice half a minute later that the way to the broker carries nothing any more.
                self._connection.doubt(connection)
                raise
            if not queue.declaration_result.consumer_count:
                log.warning("the broker has forgotten the consumer", queue=self._queue.name)
                return

    async def _handle(self, channel: AbstractChannel, incoming: AbstractIncomingMessage) -> None:
        async with self._slots:
            if self._until.is_set() or channel.is_closed:
                return
            try:
                delivery = RabbitDelivery(from_amqp(incoming), attempt(incoming), incoming, self._timeout_seconds)
            except Exception as error:
                # Raised from here, it would end every consumer of the process, and again at each redelivery.
                log.exception("a message cannot be read", queue=self._queue.name)
                bare = Message(
                    incoming.exchange or "", incoming.routing_key or "", incoming.body, incoming.message_id or ""
                )
                await self._processor.refuse(RabbitDelivery(bare, 1, incoming, self._timeout_seconds), in_a_line(error))
                return
            await self._processor.process(delivery)
