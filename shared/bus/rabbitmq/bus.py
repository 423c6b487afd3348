"""Bus on RabbitMQ: confirmed publishes, handlers that outlive connections, bounded drain."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from aiormq.exceptions import ChannelNotFoundEntity, PublishError

from shared.bus.delivery import DeliveryProcessor
from shared.bus.drain import consume_until
from shared.bus.metrics import BusMetrics
from shared.bus.port import Handler, Message, Queue, Topology
from shared.bus.rabbitmq.client_errors import away_is_transient
from shared.bus.rabbitmq.consumer import Consumer
from shared.bus.rabbitmq.publisher import Publisher
from shared.bus.rabbitmq.reconnecting_connection import ConnectionOptions, ReconnectingConnection
from shared.bus.rabbitmq.topology_declarer import TopologyDeclarer
from shared.bus.tracing import with_trace_context
from shared.settings import BrokerSettings

KEEPERS_SECONDS: Final = 5.0
"""For connections to close; one that declares the topology on a broker that hangs is left to the end of the loop."""


@asynccontextmanager
async def connect(
    settings: BrokerSettings, topology: Topology, *, name: str, metrics: BusMetrics | None = None
) -> AsyncIterator["RabbitBus"]:
    """Yield a bus at once, and connect it in the background, with retries.

    So a service starts, reports that it is not ready, and can be stopped, while the broker is away.
    """
    # Separate connections: a broker short of memory stops reading from publishers.
    declarer = TopologyDeclarer(topology)
    publishing, consuming = (
        ReconnectingConnection(ConnectionOptions.of(settings, f"sniper {name} {role}"), declarer)
        for role in ("publishes", "consumes")
    )
    keepers = [
        asyncio.create_task(each.keep_connected(), name=f"broker link {each.name}") for each in (publishing, consuming)
    ]
    try:
        connections = BrokerConnections(publishing, consuming, Limits.of(settings))
        yield RabbitBus(connections, topology, metrics or BusMetrics(), app_id=f"sniper-{name}")
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.wait(keepers, timeout=KEEPERS_SECONDS)


@dataclass(frozen=True, slots=True)
class Limits:
    """Timeouts of a bus."""

    timeout_seconds: float
    drain_seconds: float

    @classmethod
    def of(cls, settings: BrokerSettings) -> "Limits":
        return cls(settings.publish_timeout_seconds, settings.drain_seconds)


@dataclass(frozen=True, slots=True)
class BrokerConnections:
    """Connections of a bus to its broker."""

    publishing: ReconnectingConnection
    consuming: ReconnectingConnection
    limits: Limits


class RabbitBus:
    """A `Bus` on two connections, one to publish and one to consume."""

    def __init__(self, connections: BrokerConnections, topology: Topology, metrics: BusMetrics, *, app_id: str) -> None:
        self._publishing = connections.publishing
        self._consuming = connections.consuming
        self._limits = connections.limits
        self._topology = topology
        self._metrics = metrics
        self._publisher = Publisher(connections.publishing, connections.limits.timeout_seconds, app_id=app_id)
        self._consumers: set[Consumer] = set()

    def is_connected(self) -> bool:
        """Return whether both connections are up and every consumer is registered."""
        flowing = all(consumer.is_flowing() for consumer in self._consumers)
        return flowing and self._publishing.is_up() and self._consuming.is_up()

    async def publish(self, message: Message, /) -> None:
        """Return once a queue on disk holds *message*; raise TransientError when that is not certain.

        Uncertain means that it may have arrived: publishing it again can make a duplicate.
        """
        with away_is_transient():
            try:
                with self._metrics.publishing(message.exchange):
                    await self._publisher.publish(with_trace_context(message))
            except (PublishError, ChannelNotFoundEntity):
                self._metrics.returned(message.exchange)
                # Unroutable, or the exchange is missing: it may have been deleted.
                self._publishing.declare_soon()
                raise

    async def consume(self, queue: Queue, handle: Handler, *, until: asyncio.Event) -> None:
        """See `Bus.consume`; while the broker is away this waits for it, or for *until*."""
        processor = DeliveryProcessor(queue, handle, self.publish, self._topology.dead, until, self._metrics)
        consumer = Consumer(self._consuming, processor, self._limits.timeout_seconds)
        self._consumers.add(consumer)
        try:
            async with aclosing(consumer):
                await consume_until(until, consumer.run, drain_seconds=self._limits.drain_seconds)
        finally:
            self._consumers.discard(consumer)
