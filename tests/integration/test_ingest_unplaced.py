"""Symbols whose name fits no event: dead-lettered, and in health until acknowledged."""

import json
from collections.abc import AsyncIterator

import pytest

from api.operator import unplaced_symbols
from ingest.output.unplaced_store import UnplacedStore
from ingest.output.unplaced_symbols import UnplacedSymbols
from shared.events import HealthStatus
from shared.postgres.database import Database
from tests.support.running.ingests import Outbox, ingesting, stored
from tests.support.running.services import open_database
from tests.support.running.simulators import running_simulator
from tests.waiting import eventually

LONG = "TWENTYONECHARACTERSUSDT"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


def letters(outbox: Outbox) -> list[str]:
    return [
        json.loads(message.body)["data"]["symbol"] for message in outbox.published if message.exchange == "sniper.dead"
    ]


def health(outbox: Outbox) -> tuple[HealthStatus, str]:
    latest = outbox.healths[-1]
    return latest.status, latest.detail


async def test_it_is_announced_counted_and_degrades_health_until_a_person_has_seen_it_over_restarts(
    database: Database,
) -> None:
    async with running_simulator(ticker_interval_seconds=1) as simulator:
        async with ingesting(database, simulator) as outbox:
            await simulator.list_coin(LONG)
            await eventually(lambda: LONG in health(outbox)[1])
            assert health(outbox)[0] is HealthStatus.DEGRADED
            await eventually(lambda: letters(outbox) == [LONG])
        async with ingesting(database, simulator) as restarted:
            await eventually(lambda: LONG in health(restarted)[1])
            assert letters(restarted) == []

            [seen] = await unplaced_symbols.acknowledge(database, by="cli:test")
            await eventually(lambda: LONG not in health(restarted)[1])

    assert (seen.symbol, seen.reason) == (LONG, "Invalid symbol format")
    assert await unplaced_symbols.acknowledge(database, by="cli:test") == []


async def test_symbol_of_another_script_is_a_listing_like_any_other(database: Database) -> None:
    async with running_simulator(ticker_interval_seconds=1) as simulator, ingesting(database, simulator) as outbox:
        await simulator.list_coin("龙年大吉USDT", opens_in=3)
        await eventually(lambda: outbox.is_seen_by_both("龙年大吉USDT"))

        async def is_tradable() -> bool:
            return "龙年大吉USDT" in (rows := await stored(database)) and rows["龙年大吉USDT"]["state"] == "tradable"

        await eventually(is_tradable)

    assert letters(outbox) == []
    assert {sighting.tradable for sighting in outbox.sightings if sighting.symbol == "龙年大吉USDT"} == {True}


async def test_names_are_kept_once_and_told_by_the_first_few(database: Database) -> None:
    remembered = UnplacedSymbols(UnplacedStore(database))
    for number in range(5):
        assert remembered.add(f"NAME{number}", "Invalid symbol format")
        await remembered.store(f"NAME{number}", "Invalid symbol format")
    assert not remembered.add("NAME0", "another reason")

    restarted = UnplacedSymbols(UnplacedStore(database))
    await restarted.load()

    assert "NAME4 (Invalid symbol format)" in restarted.warning()
    assert "and 2 more" in restarted.warning()
    await unplaced_symbols.acknowledge(database, by="cli:test")
    await restarted.load()
    assert restarted.warning() == ""
    assert restarted.is_stored("NAME0")
