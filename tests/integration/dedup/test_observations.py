"""Dedup's records of the sightings that became no listing."""

from datetime import timedelta
from typing import Any

import pytest

from dedup.observations import Observation
from shared.errors import PermanentError
from shared.events import ListingKey, Source
from shared.postgres.database import Database
from tests.support.data.builders import NOON, a_raw_listing
from tests.support.running.dedups import DedupProcess

WEBSOCKET, REST = Source.MEXC_WEBSOCKET, Source.MEXC_REST_API


async def observed(database: Database) -> list[dict[str, Any]]:
    query = "SELECT listing_key, source, observed_at, raw_id, lag_ms FROM listing_observations ORDER BY observed_at"
    async with database.connection() as connection:
        return [dict(row) for row in await connection.fetch(query)]


def seen(source: Source, seconds: float, **overrides: Any) -> Any:
    return a_raw_listing(source=source, observed_at=NOON + timedelta(seconds=seconds), **overrides)


async def test_a_later_sighting_is_kept_with_its_lag(database: Database) -> None:
    process, later = DedupProcess(database), seen(REST, 1.5, symbol="abc_usdt")
    await process(seen(WEBSOCKET, 0))
    await process(later)

    assert await observed(database) == [
        {
            "listing_key": "ABCUSDT:1",
            "source": "mexc_rest_api",
            "observed_at": NOON + timedelta(seconds=1.5),
            "raw_id": later.id,
            "lag_ms": 1500,
        }
    ]


async def test_the_sighting_that_became_the_listing_is_no_observation_of_it(database: Database) -> None:
    process, first = DedupProcess(database), seen(WEBSOCKET, 0)
    await process(first)
    await process(first)

    assert await observed(database) == []


async def test_a_sighting_delivered_twice_is_kept_and_measured_once(database: Database) -> None:
    process, later = DedupProcess(database), seen(REST, 1)
    await process(seen(WEBSOCKET, 0))
    await process(later)
    await process(later)

    assert len(await observed(database)) == 1
    assert process.lead("count", WEBSOCKET, REST) == 1


async def test_an_earlier_sighting_that_comes_later_changes_nothing_and_is_counted(database: Database) -> None:
    process = DedupProcess(database)
    [listing] = await process(seen(WEBSOCKET, 0))

    assert await process(seen(REST, -2)) == ()

    async with database.connection() as connection:
        claimed = await connection.fetchval("SELECT listing FROM listing_claims")
    assert claimed == listing.model_dump(mode="json")
    assert [row["lag_ms"] for row in await observed(database)] == [-2000]
    assert process.count("earlier", REST) == 1


async def test_the_lead_belongs_to_the_source_that_saw_it_first_not_to_the_one_that_told_first(
    database: Database,
) -> None:
    process = DedupProcess(database)
    await process(seen(WEBSOCKET, 0))
    await process(seen(REST, -2))

    assert process.lead("sum", REST, WEBSOCKET) == pytest.approx(2)
    assert process.lead("count", WEBSOCKET, REST) is None


async def test_a_source_has_no_lead_over_itself(database: Database) -> None:
    process = DedupProcess(database)
    await process(seen(WEBSOCKET, 0))
    await process(seen(WEBSOCKET, 3))

    assert process.lead("count", WEBSOCKET, WEBSOCKET) is None


async def test_each_source_is_measured_once_a_listing_though_a_restart_makes_it_look_again(database: Database) -> None:
    await DedupProcess(database)(seen(WEBSOCKET, 0))
    before, after = DedupProcess(database), DedupProcess(database)
    await before(seen(REST, 1))
    await after(seen(REST, 3600))

    assert before.lead("sum", WEBSOCKET, REST) == pytest.approx(1)
    assert after.lead("count", WEBSOCKET, REST) is None


async def test_sightings_in_one_batch_are_measured_once_each_by_the_closest(database: Database) -> None:
    process = DedupProcess(database)
    for symbol in ("ABCUSDT", "XYZUSDT"):
        await process(seen(WEBSOCKET, 0, symbol=symbol))
    await process.observations.write(
        [
            Observation(ListingKey(f"{symbol}:1"), REST, NOON + timedelta(seconds=seconds), f"{symbol}-{seconds}")
            for symbol in ("ABCUSDT", "XYZUSDT")
            for seconds in (5, 1)
        ]
    )

    assert process.lead("count", WEBSOCKET, REST) == 2
    assert process.lead("sum", WEBSOCKET, REST) == pytest.approx(2)
    assert len(await observed(database)) == 4


async def test_what_cannot_be_stored_is_refused_for_good(database: Database) -> None:
    process = DedupProcess(database)
    await process(seen(WEBSOCKET, 0))

    with pytest.raises(PermanentError, match="too long"):
        await process(seen(REST, 1, id="x" * 65))
