"""What the parts of the floor share: a plain connection to the broker, and a sign that they listen."""

import asyncio
from collections.abc import Awaitable, Callable

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

OnMessage = Callable[[AbstractIncomingMessage], Awaitable[None]]


def ready() -> None:
    """Tell whoever started this process that it listens."""
    print("ready", flush=True)


def stamped(name: str, began_ns: int) -> None:
    """Tell whoever started this process when it began with *name*, by the monotonic clock."""
    print(name, began_ns, flush=True)


def persistent(message_id: str, body: bytes) -> aio_pika.Message:
    """Return a message that survives the broker."""
    return aio_pika.Message(body, message_id=message_id, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)


async def open_channel(broker: str) -> AbstractChannel:
    """Return a channel with confirms on a connection of its own."""
    connection = await aio_pika.connect(broker)
    return await connection.channel(publisher_confirms=True)


async def consume(channel: AbstractChannel, name: str, prefetch: int, on_message: OnMessage) -> None:
    """Feed *on_message* until the process is ended."""
    await channel.set_qos(prefetch_count=prefetch)
    queue = await channel.get_queue(name, ensure=False)
    await queue.consume(on_message)
    ready()
    await asyncio.Event().wait()
