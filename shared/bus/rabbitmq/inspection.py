"""Inspection of a broker without changes: its version, missing parts, and permissions of our user.

A publish in a transaction that is rolled back is checked against all permissions and delivered nowhere. Consuming with
an impossible argument is refused either way: for lack of permission, or for the argument.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import AbstractChannel as AbstractUnderlayChannel
from aiormq.channel import Channel as UnderlayChannel
from aiormq.exceptions import ChannelAccessRefused, ChannelNotFoundEntity, ChannelPreconditionFailed
from pamqp.common import FieldValue

from shared.bus.port import Exchange, Queue, Topology
from shared.bus.rabbitmq.client_errors import AWAY, away_is_transient, run_shielded
from shared.bus.rabbitmq.dialling import new_connection
from shared.settings import BrokerSettings

_IMPOSSIBLE: Final[dict[str, FieldValue]] = {"x-priority": "none"}


@asynccontextmanager
async def inspecting(settings: BrokerSettings) -> AsyncIterator["BrokerInspection"]:
    """Connect once; raise TransientError in one sentence where the broker is away or refuses us."""
    connection = new_connection(settings, "sniper doctor")
    try:
        with away_is_transient():
            await run_shielded(connection.connect(), seconds=settings.publish_timeout_seconds)
            yield BrokerInspection(connection, settings.publish_timeout_seconds)
    finally:
        with suppress(*AWAY):
            await run_shielded(connection.close(), seconds=settings.publish_timeout_seconds)


@dataclass(frozen=True, slots=True)
class BrokerInspection:
    """One connection for inspection."""

    connection: AbstractConnection
    timeout_seconds: float

    def version(self) -> str:
        """Return the broker's name and version."""
        transport = self.connection.transport
        properties = {} if transport is None else transport.connection.server_properties
        return f"{_text(properties.get('product'))} {_text(properties.get('version'))}".strip()

    async def missing(self, topology: Topology) -> Sequence[str]:
        """Return the missing exchanges and queues of *topology*."""
        names = [f"exchange {each.name}" for each in topology.exchanges if not await self._exists(each)]
        return [*names, *[f"queue {each.name}" for each in topology.queues if not await self._exists(each)]]

    async def may_publish(self, exchange: Exchange, routing_key: str) -> bool:
        """Return whether our user may publish to *exchange*, which exists."""
        async with self._channel() as channel:
            below: UnderlayChannel = await channel.get_underlay_channel()  # type: ignore[assignment]
            try:
                await below.tx_select(timeout=self.timeout_seconds)
                async with asyncio.timeout(self.timeout_seconds):
                    await below.basic_publish(b"", exchange=exchange.name, routing_key=routing_key, wait=False)
                    # At once, so without a timeout of its own, which takes turns of the loop: a rollback that left
                    # after the broker had closed the channel would cost the connection.
                    await below.tx_rollback()
            except AWAY as error:
                # A refused publish is answered by closing the channel, which the next call runs into.
                if isinstance(await self._reason(below, error), ChannelAccessRefused):
                    return False
                raise
        return True

    async def may_consume(self, queue: Queue) -> bool:
        """Return whether our user may consume *queue*, which exists."""
        try:
            async with self._channel() as channel:
                below = await channel.get_underlay_channel()
                await below.basic_qos(prefetch_count=1, timeout=self.timeout_seconds)
                await below.basic_consume(
                    queue.name, lambda _: asyncio.sleep(0), arguments=_IMPOSSIBLE, timeout=self.timeout_seconds
                )
        except ChannelAccessRefused:
            return False
        except ChannelPreconditionFailed:
            pass
        return True

    async def _reason(self, channel: AbstractUnderlayChannel, error: BaseException) -> BaseException:
        """Return why the broker closed *channel*, or *error* where it did not."""
        closing = channel.closing
        await asyncio.wait([closing], timeout=self.timeout_seconds)
        closed = closing.done() and not closing.cancelled()
        return (closing.exception() or error) if closed else error

    async def _exists(self, entity: Exchange | Queue) -> bool:
        try:
            async with self._channel() as channel:
                if isinstance(entity, Exchange):
                    await channel.declare_exchange(entity.name, passive=True, timeout=self.timeout_seconds)
                else:
                    await channel.declare_queue(entity.name, passive=True, timeout=self.timeout_seconds)
        except ChannelNotFoundEntity:
            return False
        return True

    def _channel(self) -> AbstractChannel:
        """Return a channel for one call: the broker closes the channel of a refused call."""
        return self.connection.channel(publisher_confirms=False)


def _text(properties: object) -> str:
    return properties.decode(errors="replace") if isinstance(properties, bytes) else str(properties or "")
