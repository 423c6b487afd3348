"""Plain broker connections of the floor's parts, and their messages to the benchmark on standard output."""

import asyncio
from collections.abc import Awaitable, Callable

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

OnMessage = Callable[[AbstractIncomingMessage], Awaitable[None]]


def print_ready() -> None:
    """Report to the parent process that this one is ready."""
    print("ready", flush=True)


def print_stamp(name: str, began_ns: int) -> None:
    """Report to the parent process when this one began with *name*, by the monotonic clock."""
    print(name, began_ns, flush=True)


def persistent(message_id: str, body: bytes) -> aio_pika.Message:
    """Return a persistent message."""
    return aio_pika.Message(body, message_id=message_id, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)


async def open_channel(broker: str) -> AbstractChannel:
    """Return a channel with publisher confirms on a connection of its own."""
    connection = await aio_pika.connect(broker)
    return await connection.channel(publisher_confirms=True)


async def consume(channel: AbstractChannel, name: str, prefetch: int, on_message: OnMessage) -> None:
    """Feed *on_message* until the process ends."""
    await channel.set_qos(prefetch_count=prefetch)
    queue = await channel.get_queue(name, ensure=False)
    await queue.consume(on_message)
    print_ready()
    await asyncio.Event().wait()
