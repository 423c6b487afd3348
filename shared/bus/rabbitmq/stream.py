"""Reader of a RabbitMQ stream from a time to its present end; nothing is removed."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from datetime import datetime
from typing import Final

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractQueue

from shared.bus.port import Queue
from shared.bus.rabbitmq.client_errors import AWAY, away_is_transient, run_shielded
from shared.bus.rabbitmq.dialling import new_connection
from shared.errors import TransientError
from shared.settings import BrokerSettings

IDLE_SECONDS: Final = 2.0
"""Idle time after which the end of the stream is requested."""
END_SECONDS_MAX: Final = 10.0
"""Timeout of that request."""
PAUSES_MAX: Final = 15
"""Idle times in a row, before the read is given up."""
_OFFSET: Final = "x-stream-offset"
PREFETCH: Final = 500


async def read_stream(settings: BrokerSettings, queue: Queue, since: datetime | None) -> AsyncIterator[bytes]:
    """Yield the body of each message from *since* on, in order; raises TransientError where the broker stops short.

    Slightly older messages may come first: the broker finds the chunk that contains a time.
    """
    connection = new_connection(settings, "sniper replay reads")
    try:
        with away_is_transient():
            await run_shielded(connection.connect(), seconds=settings.publish_timeout_seconds)
            channel = await connection.channel(publisher_confirms=False)
            await channel.set_qos(prefetch_count=PREFETCH)
            stream = await channel.get_queue(queue.name, ensure=False)
            async with aclosing(_bodies(stream, since, lambda: _end(connection, queue))) as bodies:
                async for body in bodies:
                    yield body
    finally:
        with suppress(*AWAY):
            await run_shielded(connection.close(), seconds=settings.publish_timeout_seconds)


async def _bodies(
    stream: AbstractQueue, since: datetime | None, end: Callable[[], Awaitable[int | None]]
) -> AsyncGenerator[bytes, None]:
    arrived: asyncio.Queue[aio_pika.abc.AbstractIncomingMessage] = asyncio.Queue()
    tag = await stream.consume(arrived.put, arguments={_OFFSET: "first" if since is None else since})
    last, pauses = -1, 0
    try:
        while True:
            message = await _next(arrived)
            if message is not None:
                await message.ack()
                last, pauses = _offset_of(message), 0
                yield message.body
            elif await _ended(last, since, end):
                return
            elif (pauses := pauses + 1) > PAUSES_MAX:
                raise TransientError(f"the broker stopped sending after message {last} of {stream.name}: try again")
    finally:
        with suppress(*AWAY):
            await stream.cancel(tag)


async def _next(
    arrived: "asyncio.Queue[aio_pika.abc.AbstractIncomingMessage]",
) -> aio_pika.abc.AbstractIncomingMessage | None:
    try:
        async with asyncio.timeout(IDLE_SECONDS):
            return await arrived.get()
    except TimeoutError:
        return None


async def _ended(last: int, since: datetime | None, end: Callable[[], Awaitable[int | None]]) -> bool:
    if last < 0 and since is not None:
        return True  # All messages are older.
    final = await end()
    if final is None and last >= 0:
        raise TransientError("the broker does not tell where the stream ends: try again")
    return final is None or last >= final


async def _end(connection: AbstractConnection, queue: Queue) -> int | None:
    """Return the offset of the last chunk of the stream; None where the broker does not answer in time."""
    channel = await connection.channel(publisher_confirms=False)
    try:
        await channel.set_qos(prefetch_count=1)
        stream = await channel.get_queue(queue.name, ensure=False)
        arrived: asyncio.Queue[aio_pika.abc.AbstractIncomingMessage] = asyncio.Queue()
        await stream.consume(arrived.put, arguments={_OFFSET: "last"})
        async with asyncio.timeout(END_SECONDS_MAX):
            return _offset_of(await arrived.get())
    except TimeoutError:
        return None
    finally:
        with suppress(*AWAY):
            await channel.close()


def _offset_of(message: aio_pika.abc.AbstractIncomingMessage) -> int:
    offset = message.headers[_OFFSET]
    return offset if isinstance(offset, int) else -1
