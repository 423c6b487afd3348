"""A way to the broker that carries nothing any more, and says nothing of it, as after a firewall forgot it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from shared.bus import rabbitmq
from shared.bus.rabbitmq import consumer
from shared.settings import BrokerSettings
from tests.support.running.buses import Inbox, RabbitBroker, a_message, a_queue, a_topology, consuming
from tests.waiting import eventually

QUEUE = a_queue()
HEARTBEAT_SECONDS = 60


class Way:
    """Carries connections to a broker, and those of before a moment no more."""

    def __init__(self, url: str) -> None:
        self._broker = make_url(url)
        self._carried: set[asyncio.Task[None]] = set()
        self.url = url
        self.connections = 0

    def fall_silent(self) -> None:
        """Carry nothing any more on the connections that there are; they stay open."""
        for each in self._carried:
            each.cancel()

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Way"]:
        writers: list[asyncio.StreamWriter] = []

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError):
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
                writer.close()

        async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            from_broker, to_broker = await asyncio.open_connection(self._broker.host, self._broker.port)
            writers.extend((writer, to_broker))
            self._carried |= {
                asyncio.create_task(carry(reader, to_broker)),
                asyncio.create_task(carry(from_broker, writer)),
            }

        server = await asyncio.start_server(converse, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self.url = self._broker.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        try:
            yield self
        finally:
            server.close()
            self.fall_silent()
            await asyncio.gather(*self._carried, return_exceptions=True)
            for each in writers:
                each.transport.abort()


async def test_consumer_that_gets_no_answer_consumes_on_another_connection_before_heartbeats_notice(
    broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consumer, "WATCH_SECONDS", 0.1)
    inbox = Inbox()
    async with Way(broker_url).open() as way:
        settings = BrokerSettings(
            url=SecretStr(way.url), publish_timeout_seconds=1, heartbeat_seconds=HEARTBEAT_SECONDS
        )
        async with (
            RabbitBroker(broker_url).open(QUEUE) as elsewhere,
            rabbitmq.connect(settings, a_topology(QUEUE), name="cut off") as bus,
            consuming(bus, QUEUE, inbox),
        ):
            await elsewhere.publish(a_message(b"before"))
            await inbox.gets(1)
            before = way.connections
            way.fall_silent()
            # The broker holds one message for the consumer that it believes in, until heartbeats tell it otherwise.
            await elsewhere.publish(a_message(b"held"))
            await elsewhere.publish(a_message(b"after"))

            await eventually(lambda: b"after" in inbox.bodies(), within_seconds=HEARTBEAT_SECONDS)

            assert way.connections > before
