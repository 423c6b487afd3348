"""Detection sleeps while an operator wants it to, and finds what was listed meanwhile as a start would."""

from collections.abc import AsyncIterator

import pytest

from api.operator import monitor_switches
from shared.events import HealthStatus
from shared.postgres.database import Database
from tests.support.running.ingests import BOTH, Outbox, ingesting, stored
from tests.support.running.services import open_database
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatorProcess]:
    async with running_simulator() as running:
        yield running


async def paused(database: Database, outbox: Outbox, reason: str = "upgrade") -> None:
    """Let detection sleep; return once it does."""
    await monitor_switches.pause(database, reason, changed_by="cli:ann")
    await eventually(lambda: says(outbox, HealthStatus.DEGRADED, f": {reason}"))


def says(outbox: Outbox, status: HealthStatus, detail: str = "") -> bool:
    last = outbox.healths[-1] if outbox.healths else None
    return last is not None and last.status is status and detail in last.detail


async def test_nothing_is_seen_in_a_pause_and_what_was_listed_meanwhile_is_late_afterwards(
    database: Database, simulator: SimulatorProcess
) -> None:
    async with ingesting(database, simulator) as outbox:
        await paused(database, outbox)
        asked = await simulator.requests()
        await simulator.list_coin("MISSEDUSDT")
        # Names are polled every tenth of a second, and a heartbeat comes every five.
        beats = len(outbox.healths)
        await eventually(lambda: len(outbox.healths) > beats)
        during, still_asked = list(outbox.sightings), await simulator.requests()
        await monitor_switches.resume(database, changed_by="cli:ann")
        await eventually(lambda: outbox.is_seen_by_both("MISSEDUSDT"))
        await eventually(lambda: says(outbox, HealthStatus.RUNNING))
        await simulator.list_coin("AFTERUSDT")
        await eventually(lambda: outbox.is_seen_by_both("AFTERUSDT"))

    assert during == []
    assert still_asked == asked
    told = {sighting.symbol: sighting.late for sighting in outbox.sightings}
    assert told == {"MISSEDUSDT": True, "AFTERUSDT": False}
    assert (await stored(database))["MISSEDUSDT"]["occurrence"] == 1


async def test_a_start_in_a_pause_is_ready_and_asks_nothing(database: Database, simulator: SimulatorProcess) -> None:
    await monitor_switches.pause(database, "upgrade", changed_by="cli:ann")
    async with ingesting(database, simulator) as outbox:
        await eventually(lambda: says(outbox, HealthStatus.DEGRADED, "paused by cli:ann"))
        asked = await simulator.requests()
        await monitor_switches.resume(database, changed_by="cli:ann")
        await eventually(lambda: stored(database))
        # What is in the first frame of the very first start was there before.
        await eventually(outbox.is_ready)
        await simulator.list_coin("FRESHUSDT")
        await eventually(lambda: outbox.seen_by("FRESHUSDT") == BOTH)

    assert [endpoint for endpoint in asked if "/api/v3/" in endpoint] == []
    assert {sighting.late for sighting in outbox.sightings} == {False}
