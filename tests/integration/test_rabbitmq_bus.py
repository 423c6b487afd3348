"""The bus on RabbitMQ, while connections are cut and queues deleted."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

import pika
import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from shared.bus import rabbitmq
from shared.bus.port import Bus, Message
from shared.errors import TransientError
from shared.settings import BrokerSettings
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.running.buses import EVENTS, Inbox, RabbitBroker, a_message, a_queue, a_topology, consuming, drained
from tests.waiting import eventually

LISTINGS = a_queue()


class Slow(Inbox):
    """Handles one message after the other gate is opened, and notes how many run at once."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.finished = 0
        self.running_most = 0
        self._running = 0

    async def __call__(self, message: Message) -> Sequence[Message]:
        await super().__call__(message)
        self._running += 1
        self.running_most = max(self.running_most, self._running)
        await self.gate.wait()
        self._running -= 1
        self.finished += 1
        return ()


@pytest.fixture
def vhost(broker_url: str) -> str:
    return make_url(broker_url).database or ""


@pytest.fixture
def broker(broker_url: str) -> RabbitBroker:
    return RabbitBroker(broker_url)


def cut_connections(server: RabbitMQServer, vhost: str) -> int:
    """Close every connection to *vhost* from the broker's side; return how many there were."""
    with server.management() as api:
        connections = api.get(f"/api/vhosts/{vhost}/connections").raise_for_status().json()
        for connection in connections:
            api.delete(f"/api/connections/{quote(connection['name'], safe='')}")
    return len(connections)


def delete(server: RabbitMQServer, kind: str, vhost: str, name: str) -> None:
    with server.management() as api:
        api.delete(f"/api/{kind}/{vhost}/{name}").raise_for_status()


async def publish_at_last(bus: Bus, body: bytes) -> None:
    """Publish as a handler's results are, again until some queue takes it."""

    async def is_published() -> bool:
        await bus.publish(a_message(body))
        return True

    await eventually(is_published)


async def test_handler_outlives_its_connection_and_its_message_comes_again(
    broker: RabbitBroker, rabbitmq_server: RabbitMQServer, vhost: str
) -> None:
    slow = Slow()

    async with broker.open(LISTINGS) as bus, consuming(bus, LISTINGS, slow):
        await bus.publish(a_message(b"one"))
        await slow.gets(1)
        await eventually(lambda: cut_connections(rabbitmq_server, vhost) == 2)
        await eventually(lambda: not bus.is_connected())
        slow.gate.set()
        await slow.gets(2)
        await bus.publish(a_message(b"two"))
        await slow.gets(3)

    assert slow.bodies() == [b"one", b"one", b"two"]
    assert slow.finished == 3
    assert slow.running_most == 1
    assert await drained(broker, LISTINGS) == []


async def test_deleted_queue_is_declared_again_and_consumed(
    broker: RabbitBroker, rabbitmq_server: RabbitMQServer, vhost: str
) -> None:
    inbox = Inbox()

    async with broker.open(LISTINGS) as bus, consuming(bus, LISTINGS, inbox):
        await bus.publish(a_message(b"before"))
        await inbox.gets(1)
        delete(rabbitmq_server, "queues", vhost, LISTINGS.name)
        await publish_at_last(bus, b"after")
        await inbox.gets(2)

    assert inbox.bodies() == [b"before", b"after"]


async def test_publisher_alone_brings_back_a_deleted_topology(
    broker: RabbitBroker, rabbitmq_server: RabbitMQServer, vhost: str
) -> None:
    async with broker.open(LISTINGS) as bus:
        await bus.publish(a_message(b"lost with its queue"))
        delete(rabbitmq_server, "queues", vhost, LISTINGS.name)
        delete(rabbitmq_server, "exchanges", vhost, EVENTS.name)
        await publish_at_last(bus, b"kept")

    assert await drained(broker, LISTINGS) == [b"kept"]


async def test_definitions_of_an_operator_are_left_as_they_are(
    broker: RabbitBroker, rabbitmq_server: RabbitMQServer, vhost: str
) -> None:
    theirs = {"durable": True, "arguments": {"x-queue-type": "classic", "x-max-length": 7}}
    with rabbitmq_server.management() as api:
        api.put(f"/api/queues/{vhost}/{LISTINGS.name}", json=theirs).raise_for_status()
    inbox = Inbox()

    async with broker.open(LISTINGS) as bus, consuming(bus, LISTINGS, inbox):
        await bus.publish(a_message(b"one"))
        await inbox.gets(1)

    with rabbitmq_server.management() as api:
        queue = api.get(f"/api/queues/{vhost}/{LISTINGS.name}").raise_for_status().json()
    assert queue["arguments"] == theirs["arguments"]


async def test_user_without_the_right_to_configure_uses_what_an_operator_made(
    broker: RabbitBroker, broker_url: str, rabbitmq_server: RabbitMQServer, vhost: str
) -> None:
    async with broker.open(LISTINGS) as bus:
        await bus.publish(a_message(b"warm"))
    url = make_url(broker_url).set(username=f"service-{vhost}", password="not-a-secret")
    with rabbitmq_server.management() as api:
        api.put(f"/api/users/{url.username}", json={"password": "not-a-secret", "tags": ""}).raise_for_status()
        rights = {"configure": "^$", "write": f"^{EVENTS.name}$", "read": f"^{LISTINGS.name}$"}
        api.put(f"/api/permissions/{vhost}/{url.username}", json=rights).raise_for_status()
    inbox = Inbox()

    try:
        service = RabbitBroker(url.render_as_string(hide_password=False))
        async with service.open(LISTINGS) as bus, consuming(bus, LISTINGS, inbox):
            await bus.publish(a_message(b"one"))
            await inbox.gets(2)
    finally:
        with rabbitmq_server.management() as api:
            api.delete(f"/api/users/{url.username}").raise_for_status()

    assert inbox.bodies() == [b"warm", b"one"]


async def test_full_queue_refuses_the_publish(
    broker: RabbitBroker, rabbitmq_server: RabbitMQServer, vhost: str
) -> None:
    limits = {"x-queue-type": "quorum", "x-max-length": 1, "x-overflow": "reject-publish"}
    with rabbitmq_server.management() as api:
        api.put(f"/api/queues/{vhost}/{LISTINGS.name}", json={"durable": True, "arguments": limits}).raise_for_status()

    async def fill(bus: Bus) -> None:
        # How far a quorum queue overshoots its limit is up to the broker.
        for _ in range(50):
            await bus.publish(a_message())

    async with broker.open(LISTINGS) as bus:
        with pytest.raises(TransientError):
            await fill(bus)


async def test_archive_is_a_stream_that_keeps_what_it_is_given(
    broker: RabbitBroker, rabbitmq_server: RabbitMQServer, vhost: str
) -> None:
    archive = replace(a_queue("#", name="t.archive"), kind="stream", dead_letters=False)

    async with broker.open(archive) as bus:
        await bus.publish(a_message())

    with rabbitmq_server.management() as api:
        queue = api.get(f"/api/queues/{vhost}/{archive.name}").raise_for_status().json()
    assert queue["type"] == "stream"


async def test_connections_are_named_for_the_management_page(
    broker: RabbitBroker, rabbitmq_server: RabbitMQServer, vhost: str
) -> None:
    def names() -> set[str]:
        with rabbitmq_server.management() as api:
            connections = api.get(f"/api/vhosts/{vhost}/connections").raise_for_status().json()
        return {connection.get("client_properties", {}).get("connection_name") for connection in connections}

    async with broker.open(LISTINGS) as bus:
        await eventually(bus.is_connected)
        await eventually(
            lambda: names() == {"sniper contract publishes", "sniper contract consumes"}, within_seconds=15
        )


async def test_bus_can_be_left_while_the_broker_refuses_its_user(broker_url: str) -> None:
    url = make_url(broker_url).set(password="wrong").render_as_string(hide_password=False)
    settings = BrokerSettings(url=SecretStr(url), publish_timeout_seconds=0.2)

    async with rabbitmq.connect(settings, a_topology(LISTINGS), name="stranger") as bus:
        with pytest.raises(TransientError):
            await bus.publish(a_message())
        assert not bus.is_connected()


async def test_service_can_stop_while_the_broker_is_down() -> None:
    # Nothing listens on port 1.
    settings = BrokerSettings(url=SecretStr("amqp://127.0.0.1:1/"))

    async with (
        asyncio.timeout(5),
        rabbitmq.connect(settings, a_topology(LISTINGS), name="stopped") as bus,
        consuming(bus, LISTINGS, Inbox()) as until,
    ):
        until.set()


async def test_readers_find_the_events_id_and_more_in_the_properties(broker: RabbitBroker, broker_url: str) -> None:
    message = replace(a_message(), type="sniper.trade")

    async with broker.open(LISTINGS) as bus:
        before = int(time.time())
        await bus.publish(message)
        await bus.publish(message)
        found = [await properties_of_next(broker_url), await properties_of_next(broker_url)]

    for properties in found:
        assert properties.message_id == message.message_id
        assert (properties.type, properties.app_id) == ("sniper.trade", "sniper-contract")
        assert (properties.content_type, properties.delivery_mode) == (message.content_type, 2)
        assert before <= properties.timestamp <= time.time()


@pytest.mark.parametrize("length", [255, 256])
async def test_an_id_of_any_length_arrives(broker: RabbitBroker, length: int) -> None:
    inbox = Inbox()
    message = replace(a_message(), message_id="ä" * (length // 2) + "x" * (length % 2))

    async with broker.open(LISTINGS) as bus, consuming(bus, LISTINGS, inbox):
        await bus.publish(message)
        await inbox.gets(1)

    assert inbox.messages[0].message_id == message.message_id


async def test_attempts_under_one_id_at_once_get_each_its_own_answer(broker: RabbitBroker) -> None:
    taken = a_message()
    returned = replace(taken, routing_key="nobody.listens")

    async with broker.open(LISTINGS) as bus:
        await eventually(bus.is_connected)
        for _ in range(20):
            answers = await asyncio.gather(
                *(bus.publish(message) for message in (returned, taken, returned, taken)), return_exceptions=True
            )
            assert [isinstance(answer, TransientError) for answer in answers] == [True, False, True, False]


async def properties_of_next(broker_url: str) -> pika.BasicProperties:
    """Take the next message of the queue as another program does."""

    def take() -> pika.BasicProperties:
        with pika.BlockingConnection(pika.URLParameters(broker_url)) as connection:
            _, properties, _ = connection.channel().basic_get(LISTINGS.name, auto_ack=True)
            assert properties is not None
            return properties

    return await asyncio.to_thread(take)
