"""Buses of either adapter, and what their tests say to them."""

import asyncio
import dataclasses
import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

from pydantic import SecretStr

from shared.bus import rabbitmq
from shared.bus.embedded import open_embedded
from shared.bus.port import Binding, Bus, Exchange, Handler, Message, Queue, Topology
from shared.postgres import database
from shared.settings import BrokerSettings, DatabaseSettings
from tests.waiting import eventually

EVENTS = Exchange("t.events")
DEAD = Exchange("t.dead", "fanout")
DEAD_LETTERS = Queue("t.dead", (Binding(DEAD, "#"),), dead_letters=False)
RETRY_DELAY = timedelta(milliseconds=5)


class Broker(ABC):
    """A broker that outlives the buses opened on it."""

    @abstractmethod
    def open(self, *queues: Queue, drain_seconds: float = 5) -> AbstractAsyncContextManager[Bus]:
        """Connect to it, as a process does that knows these queues and the dead letters."""


class RabbitBroker(Broker):
    def __init__(self, url: str) -> None:
        self._url = url

    @asynccontextmanager
    async def open(self, *queues: Queue, drain_seconds: float = 5) -> AsyncIterator[Bus]:
        settings = BrokerSettings(url=SecretStr(self._url), drain_seconds=drain_seconds)
        async with rabbitmq.connect(settings, a_topology(*queues), name="contract") as bus:
            yield bus


class EmbeddedBroker(Broker):
    def __init__(self, url: str) -> None:
        self._url = database.parse_url(url, variable="the test's database")

    @asynccontextmanager
    async def open(self, *queues: Queue, drain_seconds: float = 5) -> AsyncIterator[Bus]:
        async with (
            database.connect(DatabaseSettings(), self._url, name="contract") as opened,
            open_embedded(opened.pool, a_topology(*queues), drain_seconds=drain_seconds) as bus,
        ):
            yield bus


def a_topology(*queues: Queue) -> Topology:
    return Topology((EVENTS, DEAD), (*queues, DEAD_LETTERS), DEAD)


def a_queue(pattern: str = "listing.#", *, name: str = "t.queue") -> Queue:
    """Return a queue in strict order; `replace` gives it other limits."""
    return Queue(name, (Binding(EVENTS, pattern),), prefetch=1, retry_delay=RETRY_DELAY)


def a_message(
    body: bytes = b"ABC", *, routing_key: str = "listing.detected", headers: Mapping[str, str] | None = None
) -> Message:
    return Message(EVENTS.name, routing_key, body, uuid.uuid4().hex, "application/json", headers or {})


class Inbox:
    """A handler that keeps what it gets."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> Sequence[Message]:
        self.messages.append(message)
        return ()

    def bodies(self) -> list[bytes]:
        return [message.body for message in self.messages]

    async def gets(self, count: int) -> None:
        await eventually(lambda: len(self.messages) >= count)


@asynccontextmanager
async def consuming(bus: Bus, queue: Queue, handle: Handler) -> AsyncIterator[asyncio.Event]:
    """Consume *queue* while in the block; the event stops it earlier."""
    until = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bus.consume(queue, handle, until=until))
        try:
            yield until
        finally:
            until.set()


async def drained(broker: Broker, queue: Queue, *others: Queue) -> list[bytes]:
    """Return the bodies left in *queue*, in order, once nothing more comes."""
    inbox = Inbox()
    async with broker.open(queue, *others) as bus, consuming(bus, queue, inbox):
        [binding, *_] = queue.bindings
        last = a_message(b"the last", routing_key=binding.pattern.replace("#", "last"))
        await bus.publish(dataclasses.replace(last, exchange=binding.exchange.name))
        await eventually(lambda: b"the last" in inbox.bodies())
    return [body for body in inbox.bodies() if body != b"the last"]
