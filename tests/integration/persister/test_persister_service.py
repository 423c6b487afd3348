"""The persister as a service, behind real queues."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from persister.service import serve
from persister.settings import PersisterSettings
from shared.postgres.database import Database
from shared.process.runtime import Runtime
from shared.wire.topology import DEAD_LETTERS, to_message
from tests.support.data.builders import a_health, a_listing, a_trade
from tests.support.running.persisting import rows
from tests.support.running.services import emptying, rabbitmq_runtime, serving
from tests.waiting import eventually


@pytest.fixture
async def runtime(database_url: str, broker_url: str) -> AsyncIterator[Runtime]:
    async with rabbitmq_runtime(database_url, broker_url) as opened:
        yield opened


def persisting(runtime: Runtime) -> AbstractAsyncContextManager[None]:
    return serving(runtime, lambda runtime: serve(runtime, PersisterSettings()))


async def status_of(database: Database, component: str) -> str | None:
    found = await rows(database, "SELECT component_name, status FROM bot_health")
    return {row["component_name"]: row["status"] for row in found}.get(component)


async def test_each_kind_of_event_ends_in_its_table(runtime: Runtime, database: Database) -> None:
    async def all_are_stored() -> bool:
        tables = ["listings", "trades", "bot_health WHERE component_name = 'executor'"]
        return all([await rows(database, f"SELECT FROM {table}") for table in tables])

    async with persisting(runtime):
        for event in (a_listing(), a_trade(), a_health()):
            await runtime.bus.publish(to_message(event))
        await eventually(all_are_stored)


async def test_it_tells_its_own_health_and_says_goodbye(runtime: Runtime, database: Database) -> None:
    async def is_running() -> bool:
        return await status_of(database, "persister") == "running"

    async with persisting(runtime):
        await eventually(is_running)

    assert await status_of(database, "persister") == "stopped"


async def test_what_cannot_be_stored_goes_to_the_dead_letters_with_the_reason(runtime: Runtime) -> None:
    async with persisting(runtime), emptying(runtime.bus, DEAD_LETTERS) as dead:
        await runtime.bus.publish(to_message(a_listing(listed_at="2999-01-01T00:00:00Z", source="test_injection")))
        await runtime.bus.publish(to_message(a_trade(client_order_id="x" * 33)))
        await dead.holds(2)

    assert sorted(dead.reasons) == [
        "database: value too long for type character varying(32)",
        "listed_at cannot be in the future",
    ]
