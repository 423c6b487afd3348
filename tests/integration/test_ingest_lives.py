"""Ingest as a whole: what becomes of a coin after its listing, and of answers that cannot be true."""

from collections.abc import AsyncIterator

import pytest

from shared.events import HealthStatus
from shared.postgres.database import Database
from tests.support.running.ingests import BOTH, ingesting, stored
from tests.support.running.services import open_database
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.waiting import eventually


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process(ticker_interval_seconds=0.5) as running:
        yield running


async def test_coin_that_was_gone_for_long_enough_is_a_new_listing(database: Database, simulator: Simulator) -> None:
    async with ingesting(database, simulator, gone_reads=2, gone_seconds=0.5) as outbox:
        await simulator.list_coin("FRESHUSDT")
        await eventually(lambda: outbox.seen_by("FRESHUSDT") == BOTH)
        await simulator.delist_coin("FRESHUSDT")
        await eventually(lambda: _is(database, "FRESHUSDT", "gone"))
        await simulator.list_coin("FRESHUSDT")
        await eventually(lambda: len(outbox.sightings) == 4)
        await eventually(lambda: _is(database, "FRESHUSDT", "tradable"))

    assert sorted((each.occurrence, each.source) for each in outbox.sightings) == [
        (occurrence, source) for occurrence in (1, 2) for source in sorted(BOTH)
    ]
    assert (await stored(database))["FRESHUSDT"]["occurrence"] == 2


async def test_coin_withdrawn_before_its_opening_is_the_same_listing_when_it_returns_after_a_restart(
    database: Database, simulator: Simulator
) -> None:
    async with ingesting(database, simulator, gone_reads=2, gone_seconds=0.5) as outbox:
        await simulator.list_coin("SOONUSDT", opens_in=3600)
        await eventually(lambda: outbox.seen_by("SOONUSDT"))
        await eventually(lambda: _is(database, "SOONUSDT", "listed"))
        await simulator.delist_coin("SOONUSDT")
        await eventually(lambda: _is(database, "SOONUSDT", "announced"))
    withdrawn = (await stored(database))["SOONUSDT"]

    async with ingesting(database, simulator, gone_reads=2, gone_seconds=0.5) as again:
        await simulator.list_coin("SOONUSDT", opens_in=7200)
        await eventually(lambda: again.seen_by("SOONUSDT"))
        await eventually(lambda: _is(database, "SOONUSDT", "listed"))

    first, second = outbox.sightings[0], again.sightings[0]
    assert (withdrawn["occurrence"], withdrawn["opens_at"], withdrawn["gone_since"]) == (1, None, None)
    assert (first.occurrence, second.occurrence) == (1, 1)
    assert first.opens_at is not None
    assert second.opens_at is not None
    assert second.opens_at > first.opens_at
    assert (await stored(database))["SOONUSDT"]["opens_at"] == second.opens_at


async def test_opening_that_comes_later_than_it_was_said_is_published_with_the_moment_of_the_first_trade(
    database: Database, simulator: Simulator
) -> None:
    async with ingesting(database, simulator) as outbox:
        await simulator.list_coin("TARDYUSDT", opens_in=1, opens_late_by=13)
        await eventually(lambda: outbox.seen_by("TARDYUSDT"))
        said = outbox.sightings[0].opens_at
        await eventually(lambda: any(each.opens_at != said for each in outbox.sightings), within_seconds=30)
        await eventually(lambda: _is(database, "TARDYUSDT", "tradable"))
        news = next(each for each in outbox.sightings if each.opens_at != said)

        async def is_stored() -> bool:
            return bool((await stored(database))["TARDYUSDT"]["opens_at"] == news.opens_at)

        await eventually(is_stored)

    assert said is not None
    assert news.opens_at == news.observed_at
    assert (news.observed_at - said).total_seconds() > 12
    assert (news.late, news.tradable, news.occurrence) == (False, True, 1)


async def test_opening_that_moves_is_published_again_as_the_same_listing(
    database: Database, simulator: Simulator
) -> None:
    async with ingesting(database, simulator) as outbox:
        await simulator.list_coin("SOONUSDT", opens_in=3600)
        await eventually(lambda: outbox.seen_by("SOONUSDT"))
        await simulator.change_coin("SOONUSDT", opens_in=7200)
        await eventually(lambda: len(outbox.sightings) == 2)

    first, second = outbox.sightings
    assert (first.symbol, first.occurrence) == (second.symbol, second.occurrence)
    assert first.id != second.id
    assert first.opens_at is not None
    assert second.opens_at is not None
    assert 3500 < (second.opens_at - first.opens_at).total_seconds() < 3700
    assert (await stored(database))["SOONUSDT"]["opens_at"] == second.opens_at


@pytest.mark.parametrize(("fault", "reason"), [("exchange_info_empty", "empty"), ("exchange_info_shrunk", "shrunken")])
async def test_answer_that_is_not_believed_degrades_health(
    database: Database, simulator: Simulator, fault: str, reason: str
) -> None:
    async with ingesting(database, simulator) as outbox:
        await simulator.arm(fault)
        await eventually(
            lambda: any(
                health.status is HealthStatus.DEGRADED and f"exchangeInfo not believed ({reason}" in health.detail
                for health in outbox.healths
            )
        )

    assert outbox.sightings == []


async def test_long_quiet_degrades_health(database: Database, simulator: Simulator) -> None:
    async with ingesting(database, simulator, quiet_hours=1 / 3600) as outbox:
        await eventually(lambda: any("no new listing since" in health.detail for health in outbox.healths))


async def test_filtered_coin_is_published_and_not_to_be_traded(database: Database, simulator: Simulator) -> None:
    async with ingesting(database, simulator) as outbox:
        await simulator.list_coin("BTC3LUSDT")
        await eventually(lambda: outbox.seen_by("BTC3LUSDT") == BOTH)

    assert {(each.tradable, each.not_tradable_reason) for each in outbox.sightings} == {(False, "leveraged token")}


async def _is(database: Database, symbol: str, state: str) -> bool:
    rows = await stored(database)
    return symbol in rows and rows[symbol]["state"] == state
