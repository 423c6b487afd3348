"""Runtime of a service, on the servers of a test."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager

from pydantic import SecretStr

from shared import events
from shared.bus import rabbitmq
from shared.bus.delivery import REASON
from shared.bus.port import Bus, Message, Queue
from shared.postgres import database
from shared.postgres.database import Database
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from shared.settings import BrokerSettings, DatabaseSettings
from shared.wire import cloudevents, topology
from tests.waiting import eventually


@asynccontextmanager
async def open_database(url: str, **settings: float) -> AsyncIterator[Database]:
    """Connect to the database at *url* as a process does; *settings* override those of the database."""
    chosen = DatabaseSettings.model_validate({"url": url, **settings})
    async with database.connect(chosen, database.parse_url(url, variable="the test"), name="test") as opened:
        yield opened


@asynccontextmanager
async def rabbitmq_runtime(database_url: str, broker_url: str) -> AsyncIterator[Runtime]:
    """What one process hands its service, on RabbitMQ."""
    settings = BrokerSettings(url=SecretStr(broker_url))
    async with (
        open_database(database_url) as opened,
        rabbitmq.connect(settings, topology.SNIPER, name="test") as bus,
    ):
        # Then all queues are there, and the next process does not make them at the same moment.
        await eventually(bus.is_connected)
        yield Runtime(bus, opened, Telemetry(), asyncio.Event())


@asynccontextmanager
async def serving(runtime: Runtime, serve: Callable[[Runtime], Coroutine[None, None, None]]) -> AsyncIterator[None]:
    """Run a service for the time of the block, and stop it as a signal would."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve(runtime), name="service under test")
        try:
            yield
        finally:
            runtime.stop.set()


class Outlet:
    """Everything that comes out of one queue."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> Sequence[Message]:
        self.messages.append(message)
        return ()

    @property
    def events(self) -> list[events.Event]:
        return [cloudevents.decode(message.body) for message in self.messages]

    @property
    def reasons(self) -> list[str]:
        """Why each dead letter is one."""
        return [message.headers[REASON] for message in self.messages]

    async def holds(self, count: int) -> None:
        """Return once *count* messages came."""
        await eventually(lambda: len(self.messages) >= count)


@asynccontextmanager
async def emptying(bus: Bus, queue: Queue) -> AsyncIterator[Outlet]:
    """Consume *queue* for the time of the block."""
    outlet, until = Outlet(), asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bus.consume(queue, outlet, until=until), name=f"outlet of {queue.name}")
        try:
            yield outlet
        finally:
            until.set()
