"""Messages of other publishers, with headers in shapes that no broker makes: they end no consumer."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from shared.bus.port import Message
from shared.bus.rabbitmq import consumer
from shared.bus.rabbitmq.message import from_amqp
from tests.support.running.buses import (
    DEAD_LETTERS,
    EVENTS,
    Inbox,
    RabbitBroker,
    a_message,
    a_queue,
    consuming,
    drained,
)

QUEUE = a_queue()


async def publish(broker_url: str, body: bytes, headers: Mapping[str, Any]) -> None:
    """Publish as any other program may."""

    def by_another() -> None:
        with pika.BlockingConnection(pika.URLParameters(broker_url)) as connection:
            properties = pika.BasicProperties(headers=dict(headers), delivery_mode=2)
            connection.channel().basic_publish(EVENTS.name, "listing.detected", body, properties)

    await asyncio.to_thread(by_another)


@pytest.mark.parametrize(
    "headers",
    [
        {"x-death": ["x"]},
        {"x-death": [{"reason": "expired", "exchange": "e", "routing-keys": ["r"]}]},
        {"x-death": [{"reason": "expired", "queue": "q", "exchange": "e", "routing-keys": []}]},
        {"x-sniper-message-id": 7, "x-delivery-count": "many", "traceparent": ["x"]},
    ],
    ids=["no table", "no queue", "no routing key", "other types"],
)
async def test_message_with_odd_headers_is_handled_and_so_is_the_next(
    broker_url: str, headers: Mapping[str, Any]
) -> None:
    inbox = Inbox()
    async with RabbitBroker(broker_url).open(QUEUE) as bus, consuming(bus, QUEUE, inbox):
        await bus.publish(a_message(b"first"))
        await inbox.gets(1)
        await publish(broker_url, b"odd", headers)
        await bus.publish(a_message(b"good"))
        await inbox.gets(3)

    assert inbox.bodies() == [b"first", b"odd", b"good"]


async def test_message_that_cannot_be_read_is_a_dead_letter_and_the_next_is_handled(
    broker_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(incoming: AbstractIncomingMessage) -> Message:
        if incoming.body == b"odd":
            raise AttributeError("unforeseen")
        return from_amqp(incoming)

    monkeypatch.setattr(consumer, "from_amqp", read)
    inbox, broker = Inbox(), RabbitBroker(broker_url)
    async with broker.open(QUEUE) as bus, consuming(bus, QUEUE, inbox):
        await bus.publish(a_message(b"odd"))
        await bus.publish(a_message(b"good"))
        await inbox.gets(1)
    monkeypatch.undo()

    assert inbox.bodies() == [b"good"]
    assert await drained(broker, QUEUE) == []
    dead = Inbox()
    async with broker.open(QUEUE) as bus, consuming(bus, DEAD_LETTERS, dead):
        await dead.gets(1)
    [letter] = dead.messages
    assert letter.body == b"odd"
    assert letter.headers["x-sniper-reason"] == "AttributeError: unforeseen"
