"""Trades are published once they are committed, in order, until the broker has them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from executor.journal.outbox import BATCH_MAX, Outbox
from shared.bus.port import Message
from shared.errors import PermanentError, TransientError
from shared.postgres.database import Database
from shared.wire import cloudevents
from tests.servers.postgres import PrivatePostgres
from tests.support.data.builders import a_trade
from tests.support.fakes.fakes import RecordingBus
from tests.support.running.executors import trades
from tests.support.running.services import open_database
from tests.waiting import eventually


class AwayBus(RecordingBus):
    """Takes nothing while it is away."""

    away = True

    async def publish(self, message: Message, /) -> None:
        if self.away:
            raise TransientError("broker away")
        await super().publish(message)


class Alarms:
    """Remembers what is raised."""

    def __init__(self) -> None:
        self.raised: dict[str, str] = {}

    def __call__(self, about: str, detail: str) -> None:
        self.raised[about] = detail


def outbox_of(database: Database, bus: RecordingBus, alarms: Alarms | None = None) -> Outbox:
    return Outbox(database, bus, alarm=alarms or Alarms())


async def commit(database: Database, *ids: str) -> None:
    async with database.transaction() as connection:
        for each in ids:
            event = a_trade(id=each).model_dump(mode="json")
            await connection.execute("INSERT INTO trade_outbox (event) VALUES ($1)", event)


@asynccontextmanager
async def relaying(outbox: Outbox) -> AsyncIterator[None]:
    until = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(outbox.relay(until))
        try:
            yield
        finally:
            until.set()
            outbox.filled()


def published(bus: RecordingBus) -> list[str]:
    return [cloudevents.decode(message.body).id for message in bus.published]


async def test_what_is_committed_is_published_in_order_and_removed(database: Database) -> None:
    bus = RecordingBus()
    outbox = outbox_of(database, bus)
    ids = [f"t{number}" for number in range(BATCH_MAX + 5)]
    async with relaying(outbox):
        await commit(database, *ids)
        outbox.filled()
        await eventually(lambda: len(bus.published) == len(ids))

    assert published(bus) == ids
    assert await trades(database) == []


async def test_what_another_executor_left_is_published_too(database: Database) -> None:
    bus = RecordingBus()
    async with relaying(outbox_of(database, bus)):
        await commit(database, "left")  # Nobody tells this one.
        await eventually(lambda: published(bus) == ["left"])


async def test_what_was_committed_when_it_is_asked_to_end_still_goes_out(database: Database) -> None:
    bus = RecordingBus()
    await commit(database, "last")

    async with relaying(outbox_of(database, bus)):
        pass

    assert published(bus) == ["last"]


async def test_a_trade_stays_while_the_broker_is_away(database: Database) -> None:
    bus = AwayBus()
    outbox = outbox_of(database, bus)
    await commit(database, "kept")
    async with relaying(outbox):
        await eventually(lambda: has(database, 1))
        bus.away = False
        await eventually(lambda: published(bus) == ["kept"])

    assert await trades(database) == []


async def test_an_end_while_the_broker_is_away_leaves_it_to_the_next(database: Database) -> None:
    await commit(database, "kept")

    async with relaying(outbox_of(database, AwayBus())):
        pass

    assert await has(database, 1)


async def test_a_database_that_was_away_costs_no_trade(private_postgres: Callable[[], PrivatePostgres]) -> None:
    server, bus = private_postgres(), RecordingBus()
    async with open_database(server.create_migrated_database()) as database:
        await commit(database, "kept")
        server.stop()
        async with relaying(outbox_of(database, bus)):
            server.start()
            await eventually(lambda: "kept" in published(bus))


NEWER = {"id": "newer", "what": "this version knows nothing of"}


@pytest.mark.parametrize("event", [NEWER, {}, [], "text"])
async def test_a_trade_that_this_version_cannot_read_is_set_aside_with_an_alarm_and_holds_up_nothing(
    database: Database, event: object
) -> None:
    bus, alarms = RecordingBus(), Alarms()
    await commit(database, "first")
    await insert(database, event)
    await commit(database, "last")
    async with relaying(outbox_of(database, bus, alarms)):
        await eventually(lambda: published(bus) == ["first", "last"])
        await eventually(lambda: "1 trades cannot be published" in alarms.raised.get("outbox", ""))

    async with database.connection() as connection:
        [kept] = await connection.fetch("SELECT event, set_aside_at, set_aside_reason FROM trade_outbox")
    assert kept["event"] == event
    assert kept["set_aside_at"] is not None
    assert "ValidationError" in kept["set_aside_reason"]


async def test_what_was_set_aside_is_published_by_an_executor_that_can_read_it(database: Database) -> None:
    bus, alarms = RecordingBus(), Alarms()
    await commit(database, "readable now")
    async with database.connection() as connection:
        await connection.execute("UPDATE trade_outbox SET set_aside_at = now(), set_aside_reason = 'an older version'")

    async with relaying(outbox_of(database, bus, alarms)):
        await eventually(lambda: published(bus) == ["readable now"])
        await eventually(lambda: alarms.raised == {"outbox": ""})

    assert await trades(database) == []


async def test_a_trade_that_the_broker_will_never_take_holds_up_nothing(database: Database) -> None:
    class Picky(RecordingBus):
        async def publish(self, message: Message, /) -> None:
            if message.message_id == "refused":
                raise PermanentError("too large")
            await super().publish(message)

    bus = Picky()
    await commit(database, "first", "refused", "last")
    async with relaying(outbox_of(database, bus)):
        await eventually(lambda: published(bus) == ["first", "last"])

    assert [each["id"] for each in await trades(database)] == ["refused"]


async def insert(database: Database, event: object) -> None:
    async with database.connection() as connection:
        await connection.execute("INSERT INTO trade_outbox (event) VALUES ($1)", event)


async def has(database: Database, count: int) -> bool:
    return len(await trades(database)) == count
