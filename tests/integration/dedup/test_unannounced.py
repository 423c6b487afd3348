"""Sightings of listings that were claimed ahead of dedup are published until the listing is received."""

import asyncio
from typing import Any

import pytest

from dedup.unannounced import publish_due, republishing
from shared.errors import TransientError
from shared.events import RawListing
from shared.postgres.database import Database
from shared.wire import cloudevents
from tests.support.data.builders import a_raw_listing
from tests.support.fakes.fakes import RecordingBus
from tests.waiting import eventually

DUE_NOW = "now()"
LATER = "now() + interval '1 hour'"


async def claim(database: Database, raw: RawListing | None, *, due_at: str = DUE_NOW, key: str = "ABCUSDT:1") -> None:
    described: Any = {"id": "unreadable"} if raw is None else raw.model_dump(mode="json")
    async with database.connection() as connection:
        await connection.execute(
            f"INSERT INTO unannounced_listings (listing_key, raw, due_at) VALUES ($1, $2, {due_at})", key, described
        )


def published(bus: RecordingBus) -> list[str]:
    return [cloudevents.decode(message.body).id for message in bus.published]


async def test_what_is_due_is_published_under_its_own_id_and_then_later(database: Database) -> None:
    bus, raw = RecordingBus(), a_raw_listing()
    await claim(database, raw)

    await publish_due(database, bus)
    await publish_due(database, bus)

    assert published(bus) == [raw.id]


async def test_what_was_claimed_long_ago_is_published_every_few_minutes(database: Database) -> None:
    bus = RecordingBus()
    await claim(database, a_raw_listing())
    async with database.connection() as connection:
        await connection.execute("UPDATE unannounced_listings SET claimed_at = now() - interval '10 hours'")

    await publish_due(database, bus)

    async with database.connection() as connection:
        assert await connection.fetchval("SELECT due_at <= now() + interval '5 minutes' FROM unannounced_listings")


async def test_what_is_not_due_yet_is_left_to_the_process_that_claimed_it(database: Database) -> None:
    bus = RecordingBus()
    await claim(database, a_raw_listing(), due_at=LATER)

    await publish_due(database, bus)

    assert published(bus) == []


async def test_one_that_cannot_be_read_holds_up_no_other(database: Database) -> None:
    bus, raw = RecordingBus(), a_raw_listing()
    await claim(database, None, key="AAAUSDT:1")
    await claim(database, raw)

    await publish_due(database, bus)

    assert published(bus) == [raw.id]


async def test_of_several_processes_one_publishes(database: Database) -> None:
    bus, raw = RecordingBus(), a_raw_listing()
    await claim(database, raw)

    await asyncio.gather(*(publish_due(database, bus) for _ in range(8)))

    assert published(bus) == [raw.id]


class Away(RecordingBus):
    """A broker that comes back after the first attempt."""

    attempts = 0

    async def publish(self, message: Any, /) -> None:
        self.attempts += 1
        if self.attempts == 1:
            raise TransientError("broker away")
        await super().publish(message)


@pytest.mark.timeout(60)
async def test_while_the_broker_is_away_it_goes_on(database: Database) -> None:
    bus, raw = Away(), a_raw_listing()
    await claim(database, raw)

    async with republishing(database, bus):
        await eventually(lambda: published(bus) == [raw.id], within_seconds=30)
