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
        told = {} if transport is None else transport.connection.server_properties
        return f"{_text(told.get('product'))} {_text(told.get('version'))}".strip()

    async def missing(self, topology: Topology) -> Sequence[str]:
        """Return the missing exchanges and queues of *topology*."""
        names = [f"exchange {each.name}" for each in topology.exchanges if not await self._has_exchange(each)]
        return [*names, *[f"queue {each.name}" for each in topology.queues if not await self._has_queue(each)]]

    async def may_publish(self, exchange: Exchange, routing_key: str) -> bool:
        """Return whether our user may publish to *exchange*, which exists."""
        async with self._channel() as channel:
            below = await channel.get_underlay_channel()
            try:
                await below.tx_select(timeout=self.timeout_seconds)
                await below.basic_publish(b"", exchange=exchange.name, routing_key=routing_key)
                await below.tx_rollback(timeout=self.timeout_seconds)
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
                    queue.name, _take_nothing, arguments=_IMPOSSIBLE, timeout=self.timeout_seconds
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

    async def _has_exchange(self, exchange: Exchange) -> bool:
        try:
            async with self._channel() as channel:
                await channel.declare_exchange(exchange.name, passive=True, timeout=self.timeout_seconds)
        except ChannelNotFoundEntity:
            return False
        return True

    async def _has_queue(self, queue: Queue) -> bool:
        try:
            async with self._channel() as channel:
                await channel.declare_queue(queue.name, passive=True, timeout=self.timeout_seconds)
        except ChannelNotFoundEntity:
            return False
        return True

    def _channel(self) -> AbstractChannel:
        """Return a channel for one call: the broker closes the channel of a refused call."""
        return self.connection.channel(publisher_confirms=False)


async def _take_nothing(_: object) -> None:
    """Never called: no such consumer is ever registered."""


def _text(told: object) -> str:
    return told.decode(errors="replace") if isinstance(told, bytes) else str(told or "")
