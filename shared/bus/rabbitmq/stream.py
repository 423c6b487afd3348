"""Read a stream of RabbitMQ from a time on, to where it ends now; nothing is taken out of it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Final

import aio_pika
from aio_pika.abc import AbstractQueue

from shared.bus.port import Queue
from shared.bus.rabbitmq.calls import AWAY, away_is_transient, uninterrupted
from shared.bus.rabbitmq.dialling import dialled
from shared.settings import BrokerSettings

IDLE_SECONDS: Final = 2.0
"""A stream that sends nothing for so long has been read to its end."""
PREFETCH: Final = 500


async def read_stream(settings: BrokerSettings, queue: Queue, since: datetime | None) -> AsyncIterator[bytes]:
    """Yield the body of each message from *since* on, in order; raises TransientError where the broker is away.

    Some that are a little older come first: the broker finds the chunk that a time lies in.
    """
    connection = dialled(settings, "sniper replay reads")
    try:
        with away_is_transient():
            await uninterrupted(connection.connect(), seconds=settings.publish_timeout_seconds)
            channel = await connection.channel(publisher_confirms=False)
            await channel.set_qos(prefetch_count=PREFETCH)
            stream = await channel.get_queue(queue.name, ensure=False)
            async with aclosing(_bodies(stream, since)) as bodies:
                async for body in bodies:
                    yield body
    finally:
        with suppress(*AWAY):
            await uninterrupted(connection.close(), seconds=settings.publish_timeout_seconds)


async def _bodies(stream: AbstractQueue, since: datetime | None) -> AsyncGenerator[bytes, None]:
    arrived: asyncio.Queue[aio_pika.abc.AbstractIncomingMessage] = asyncio.Queue()
    tag = await stream.consume(arrived.put, arguments={"x-stream-offset": "first" if since is None else since})
    try:
        while True:
            async with asyncio.timeout(IDLE_SECONDS):
                message = await arrived.get()
            await message.ack()
            yield message.body
    except TimeoutError:
        return
    finally:
        with suppress(*AWAY):
            await stream.cancel(tag)
