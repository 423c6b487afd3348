"""The bus on a RabbitMQ that is down, frozen or short of memory."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from pydantic import SecretStr

from shared.bus import rabbitmq
from shared.bus.port import Message
from shared.errors import TransientError
from shared.settings import BrokerSettings
from tests.servers import private_rabbitmq_server
from tests.servers.rabbitmq import PrivateRabbitMQ
from tests.support.running.buses import Inbox, RabbitBroker, a_message, a_queue, a_topology, consuming, drained
from tests.waiting import eventually

LISTINGS = a_queue()


@pytest.fixture(scope="module")
def node() -> Iterator[PrivateRabbitMQ]:
    """One broker for all faults here; each test leaves it running and well."""
    with private_rabbitmq_server(durable=False) as server:
        yield server


@pytest.fixture
def url(node: PrivateRabbitMQ) -> str:
    return node.url_for(node.create_vhost())


def impatient(url: str, **changes: float) -> BrokerSettings:
    """Return settings that notice a silent broker in seconds; a heartbeat this short is refused from the outside."""
    settings = BrokerSettings(url=SecretStr(url), publish_timeout_seconds=1)
    return settings.model_copy(update={"heartbeat_seconds": 1, **changes})


async def test_bus_connects_when_a_broker_that_was_down_comes_up(node: PrivateRabbitMQ, url: str) -> None:
    inbox = Inbox()
    node.kill()

    async with (
        rabbitmq.connect(impatient(url), a_topology(LISTINGS), name="early") as bus,
        consuming(bus, LISTINGS, inbox),
    ):
        with pytest.raises(TransientError):
            await bus.publish(a_message(b"too early"))
        assert not bus.is_connected()
        await asyncio.to_thread(node.restart)
        await eventually(bus.is_connected, within_seconds=30)
        await bus.publish(a_message(b"in time"))
        await inbox.gets(1)

    assert inbox.bodies() == [b"in time"]


async def test_frozen_broker_fails_publishes_in_time_and_the_bus_comes_back(node: PrivateRabbitMQ, url: str) -> None:
    inbox = Inbox()
    patient = impatient(url, publish_timeout_seconds=30)

    async with (
        rabbitmq.connect(impatient(url), a_topology(LISTINGS), name="frozen") as bus,
        rabbitmq.connect(patient, a_topology(LISTINGS), name="patient") as other,
        consuming(bus, LISTINGS, inbox),
    ):
        await other.publish(a_message(b"before"))
        await inbox.gets(1)
        node.freeze()
        try:
            waiting = asyncio.create_task(other.publish(a_message(b"waiting")))
            with pytest.raises(TransientError):
                await bus.publish(a_message(b"frozen"))
            # The client ends this one with a CancelledError that no caller requested.
            with pytest.raises(TransientError):
                await waiting
            await eventually(lambda: not bus.is_connected(), within_seconds=30)
        finally:
            node.thaw()
        await eventually(bus.is_connected, within_seconds=30)
        await bus.publish(a_message(b"after"))
        await eventually(lambda: b"after" in inbox.bodies())

    assert inbox.bodies()[0] == b"before"


async def test_broker_short_of_memory_takes_answers_but_no_messages(node: PrivateRabbitMQ, url: str) -> None:
    inbox = Inbox()
    gate = asyncio.Event()

    async def handle(message: Message) -> Sequence[Message]:
        await inbox(message)
        await gate.wait()
        return ()

    settings = impatient(url, heartbeat_seconds=10, publish_timeout_seconds=5)
    async with (
        rabbitmq.connect(settings, a_topology(LISTINGS), name="blocked") as bus,
        consuming(bus, LISTINGS, handle),
    ):
        await bus.publish(a_message(b"one"))
        await bus.publish(a_message(b"two"))
        await inbox.gets(1)
        await asyncio.to_thread(node.ctl, "set_vm_memory_high_watermark", "0.0000001")
        try:
            with pytest.raises(TransientError):
                await bus.publish(a_message(b"late"))
            gate.set()
            # With a prefetch of one, the second comes only once the first is acknowledged.
            await inbox.gets(2)
        finally:
            await asyncio.to_thread(node.ctl, "set_vm_memory_high_watermark", "0.4")
        await eventually(lambda: b"late" in inbox.bodies())

    # The publish that timed out arrives all the same, which is why every consumer recognises duplicates.
    assert inbox.bodies() == [b"one", b"two", b"late"]
    assert await drained(RabbitBroker(url), LISTINGS) == []
