"""Declaration of the topology on a broker; what exists keeps its arguments."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity

from shared.bus.port import Binding, Exchange, Queue, Topology
from shared.bus.queue_arguments import queue_arguments
from shared.errors import TransientError

log = structlog.get_logger()


class TopologyDeclarer:
    """Declares *topology*, one pass at a time."""

    def __init__(self, topology: Topology) -> None:
        self._topology = topology
        self._passing = asyncio.Lock()

    async def declare(self, connection: AbstractConnection) -> None:
        """Create what is missing. What exists keeps its arguments: redeclaring it would fail for ever.

        Raises TransientError naming all that is missing and vital, where our user may not create it.
        """
        async with self._passing:
            absent = [exchange for exchange in self._topology.exchanges if await _lacks(connection, exchange)]
            missing = [f"exchange {exchange.name}" for exchange in absent if exchange.is_vital]
            for exchange in absent:
                if not exchange.is_vital:
                    log.warning("goes on without an exchange that our user may not make", exchange=exchange.name)
            for queue in self._topology.queues:
                missing += await self._lacks_queue(connection, queue, absent)
            if missing:
                raise TransientError(
                    f"missing on the broker, where our user may not make it: {', '.join(missing)}; an operator loads "
                    "deploy/rabbitmq/definitions.json"
                )

    async def _lacks_queue(
        self, connection: AbstractConnection, queue: Queue, absent: Sequence[Exchange]
    ) -> Sequence[str]:
        try:
            await _ensure_queue(connection, queue, self._topology.dead)
        except ChannelAccessRefused:
            return [f"queue {queue.name}"]
        await _ensure_bindings(connection, queue.name, [each for each in queue.bindings if each.exchange not in absent])
        return ()


async def _lacks(connection: AbstractConnection, exchange: Exchange) -> bool:
    try:
        await _ensure_exchange(connection, exchange)
    except ChannelAccessRefused:
        return True
    return False


async def _ensure_exchange(connection: AbstractConnection, exchange: Exchange) -> None:
    async def declare_exchange(channel: AbstractChannel, *, passive: bool) -> None:
        await channel.declare_exchange(exchange.name, exchange.kind, durable=True, passive=passive)

    try:
        await _on_channel(connection, lambda channel: declare_exchange(channel, passive=True))
    except ChannelNotFoundEntity:
        await _on_channel(connection, lambda channel: declare_exchange(channel, passive=False))


async def _ensure_queue(connection: AbstractConnection, queue: Queue, dead: Exchange) -> None:
    async def check(channel: AbstractChannel) -> None:
        await channel.declare_queue(queue.name, passive=True)

    async def create(channel: AbstractChannel) -> None:
        await channel.declare_queue(queue.name, durable=True, arguments=dict(queue_arguments(queue, dead)))

    try:
        await _on_channel(connection, check)
    except ChannelNotFoundEntity:
        log.info("creating queue", queue=queue.name)
        await _on_channel(connection, create)


async def _ensure_bindings(connection: AbstractConnection, queue: str, bindings: Sequence[Binding]) -> None:
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
