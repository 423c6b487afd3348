"""Declaration of the topology on a broker; what exists keeps its arguments."""

import asyncio

import structlog
from aio_pika.abc import AbstractConnection
from aiormq.exceptions import ChannelAccessRefused

from shared.bus.port import Topology
from shared.bus.rabbitmq.entities import ensure_bindings, ensure_exchange, ensure_queue
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
            absent = [
                exchange for exchange in self._topology.exchanges if not await ensure_exchange(connection, exchange)
            ]
            missing = [f"exchange {exchange.name}" for exchange in absent if exchange.is_vital]
            for exchange in absent:
                if not exchange.is_vital:
                    log.warning("goes on without an exchange that our user may not make", exchange=exchange.name)
            for queue in self._topology.queues:
                try:
                    await ensure_queue(connection, queue, self._topology.dead)
                except ChannelAccessRefused:
                    missing.append(f"queue {queue.name}")
                    continue
                bindings = [each for each in queue.bindings if each.exchange not in absent]
                await ensure_bindings(connection, queue.name, bindings)
            if missing:
                raise TransientError(
                    f"missing on the broker, where our user may not make it: {', '.join(missing)}; an operator loads "
                    "deploy/rabbitmq/definitions.json"
                )
