"""Exchanges, queues and bindings on a broker, created where they are missing."""

from collections.abc import Awaitable, Callable, Sequence

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity

from shared.bus.amqp_arguments import queue_arguments
from shared.bus.port import Binding, Exchange, Queue

log = structlog.get_logger()


async def ensure_exchange(connection: AbstractConnection, exchange: Exchange) -> bool:
    """Create *exchange* unless it exists; return False where our user may not."""

    async def declare_exchange(channel: AbstractChannel, *, passive: bool) -> None:
        await channel.declare_exchange(exchange.name, exchange.kind, durable=True, passive=passive)

    try:
        try:
            await _on_channel(connection, lambda channel: declare_exchange(channel, passive=True))
        except ChannelNotFoundEntity:
            await _on_channel(connection, lambda channel: declare_exchange(channel, passive=False))
    except ChannelAccessRefused:
        return False
    return True


async def ensure_queue(connection: AbstractConnection, queue: Queue, dead: Exchange) -> None:
    """Create *queue* unless it exists; raise ChannelAccessRefused where our user may not."""

    async def check(channel: AbstractChannel) -> None:
        await channel.declare_queue(queue.name, passive=True)

    async def create(channel: AbstractChannel) -> None:
        await channel.declare_queue(queue.name, durable=True, arguments=dict(queue_arguments(queue, dead)))

    try:
        await _on_channel(connection, check)
    except ChannelNotFoundEntity:
        log.info("creating queue", queue=queue.name)
        await _on_channel(connection, create)


async def ensure_bindings(connection: AbstractConnection, queue: str, bindings: Sequence[Binding]) -> None:
    """Bind *queue*, where our user may."""

    async def bind(channel: AbstractChannel) -> None:
        held = await channel.get_queue(queue, ensure=False)
        for binding in bindings:
            await held.bind(binding.exchange.name, binding.pattern)

    try:
        await _on_channel(connection, bind)
    except ChannelAccessRefused:
        # A user that may only read and write uses the bindings of its operator.
        log.debug("may not bind", queue=queue)


async def _on_channel(connection: AbstractConnection, step: Callable[[AbstractChannel], Awaitable[None]]) -> None:
    """Take *step* on a channel of its own, since the broker closes the channel of a refused call."""
    async with connection.channel(publisher_confirms=False) as channel:
        await step(channel)
