"""Publisher with confirms, on a channel of its own."""

import asyncio
from datetime import UTC, datetime

from aio_pika.abc import AbstractChannel
from aiormq import spec

from shared.bus.port import Message
from shared.bus.rabbitmq.error_meanings import explain_words
from shared.bus.rabbitmq.message import properties_of
from shared.bus.rabbitmq.reconnecting_connection import ReconnectingConnection
from shared.errors import TransientError


class Publisher:
    """Publishes messages and waits for their confirms."""

    def __init__(self, connection: ReconnectingConnection, timeout_seconds: float, *, app_id: str) -> None:
        self._connection = connection
        self._timeout_seconds = timeout_seconds
        self._app_id = app_id
        self._under_way: dict[str, asyncio.Event] = {}
        self._opening = asyncio.Lock()
        self._channel: AbstractChannel | None = None

    async def publish(self, message: Message) -> None:
        """Publish once no other attempt with the same id is under way: the client matches answers by it."""
        while (other := self._under_way.get(message.message_id)) is not None:
            await other.wait()
        ended = self._under_way[message.message_id] = asyncio.Event()
        try:
            await self._publish_once(message)
        finally:
            del self._under_way[message.message_id]
            ended.set()

    async def _publish_once(self, message: Message) -> None:
        channel = self._channel
        if channel is None or channel.is_closed:
            channel = await self.channel()
        # Bypasses aio-pika's message and exchange, which cost a tenth of the broker's own time.
        underlay = await channel.get_underlay_channel()
        confirmation = await underlay.basic_publish(
            message.body,
            exchange=message.exchange,
            routing_key=message.routing_key,
            properties=properties_of(message, app_id=self._app_id, at=datetime.now(UTC)),
            mandatory=True,
            timeout=self._timeout_seconds,
        )
        if not isinstance(confirmation, spec.Basic.Ack):
            raise TransientError(f"broker away: {explain_words(repr(confirmation)) or repr(confirmation)}")

    async def channel(self) -> AbstractChannel:
        """Return the open channel; open it where it is closed."""
        async with asyncio.timeout(self._timeout_seconds), self._opening:
            if self._channel is None or self._channel.is_closed:
                connection = await self._connection.opened()
                channel = connection.channel(publisher_confirms=True, on_return_raises=True)
                await channel.initialize()
                self._channel = channel
            return self._channel
