"""Two dedups side by side, as processes, on one broker and one database."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from shared.events import Source
from shared.wire.topology import DEAD_LETTERS, EXECUTOR_LISTINGS, to_message
from tests.support.data.builders import a_raw_listing
from tests.support.running.pipelines import has_rows, pipeline, publish_all, rows
from tests.support.running.processes import sniper
from tests.support.running.services import emptying
from tests.waiting import eventually

LISTINGS = 500


@pytest.mark.timeout(120)
async def test_of_two_dedups_one_is_killed_and_each_of_500_listings_seen_twice_comes_out_once(
    database_url: str, broker_url: str, tmp_path: Path
) -> None:
    environment = {"SNIPER_DATABASE_URL": database_url, "SNIPER_BROKER_URL": broker_url}
    keys = {f"TWICE{number}USDT:1" for number in range(LISTINGS)}
    async with (
        pipeline(database_url, broker_url) as runtime,
        sniper("run", "dedup", environment=environment, directory=tmp_path) as survivor,
        sniper("run", "dedup", environment=environment, directory=tmp_path) as victim,
        emptying(runtime.bus, EXECUTOR_LISTINGS) as listings,
        emptying(runtime.bus, DEAD_LETTERS) as dead,
    ):
        await asyncio.gather(survivor.ready(), victim.ready())
        sightings = [
            to_message(a_raw_listing(symbol=symbol, source=source))
            for key in keys
            for symbol, source in (
                (key.removesuffix(":1"), Source.MEXC_WEBSOCKET),
                (key.removesuffix("USDT:1").lower() + "_usdt", Source.MEXC_REST_API),
            )
        ]
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(publish_all(runtime.bus, sightings[:LISTINGS]))
            await listings.holds(LISTINGS // 10)
            await victim.kill()
        await publish_all(runtime.bus, sightings[LISTINGS:])

        await eventually(lambda: has_rows(runtime, "listing_observations", LISTINGS), within_seconds=60)
        await listings.holds(LISTINGS)
        claims = await rows(runtime, "SELECT listing_key, raw_id FROM listing_claims")
        observations = await rows(runtime, "SELECT listing_key, raw_id FROM listing_observations")

    told = {message.message_id: message.body for message in listings.messages}
    assert told.keys() == {f"{key}:detected" for key in keys}
    assert {message.body for message in listings.messages} == set(told.values()), "one id, two listings"
    assert dead.messages == []
    # Every sighting is accounted for once: it became the listing, or was kept beside it.
    assert Counter(row["listing_key"] for row in claims) == Counter(keys)
    assert Counter(row["listing_key"] for row in observations) == Counter(keys)
    assert len({row["raw_id"] for row in (*claims, *observations)}) == 2 * LISTINGS


async def test_two_dedups_handed_the_same_sightings_at_once_make_each_listing_once(
    database_url: str, broker_url: str, tmp_path: Path
) -> None:
    environment = {"SNIPER_DATABASE_URL": database_url, "SNIPER_BROKER_URL": broker_url}
    async with (
        pipeline(database_url, broker_url) as runtime,
        sniper("run", "dedup", environment=environment, directory=tmp_path) as one,
        sniper("run", "dedup", environment=environment, directory=tmp_path) as other,
        emptying(runtime.bus, EXECUTOR_LISTINGS) as listings,
    ):
        await asyncio.gather(one.ready(), other.ready())
        for number in range(10):
            await publish_all(runtime.bus, (to_message(a_raw_listing(symbol=f"RACE{number}USDT")) for _ in range(50)))
        await eventually(lambda: has_rows(runtime, "listing_observations", 10 * 49), within_seconds=30)
        await listings.holds(10)

    assert sorted(event.id for event in listings.events) == [f"RACE{number}USDT:1:detected" for number in range(10)]
