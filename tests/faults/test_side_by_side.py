"""Four of each that grows, side by side as processes on one broker and one database: nothing lost, nothing doubled."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from shared.events import Source
from shared.wire.topology import DEAD_LETTERS, to_message
from tests.support.data.builders import a_raw_listing, a_trade
from tests.support.running.pipelines import has_rows, pipeline, publish_all, rows
from tests.support.running.processes import Sniper, sniper
from tests.support.running.services import emptying
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

EACH = 4
LISTINGS = 400
TRADES = 400


async def test_four_dedups_and_four_persisters_store_each_listing_and_each_trade_once(
    database_url: str, broker_url: str, tmp_path: Path
) -> None:
    environment = {"SNIPER_DATABASE_URL": database_url, "SNIPER_BROKER_URL": broker_url}
    names = [f"ABREAST{number}USDT" for number in range(LISTINGS)]
    sightings = [
        to_message(a_raw_listing(symbol=name, source=source))
        for name in names
        for source in (Source.MEXC_WEBSOCKET, Source.MEXC_REST_API)
    ]
    trades = [
        to_message(a_trade(symbol=f"TRADE{number}USDT", client_order_id=f"c{number}")) for number in range(TRADES)
    ]
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(pipeline(database_url, broker_url))
        dead = await stack.enter_async_context(emptying(runtime.bus, DEAD_LETTERS))

        async def start(name: str) -> Sniper:
            one = sniper("run", name, environment=environment, directory=tmp_path)
            return await stack.enter_async_context(one)

        running = [await start(name) for name in ("dedup", "persister") for _ in range(EACH)]
        for each in running:
            await each.ready()

        await asyncio.gather(publish_all(runtime.bus, sightings), publish_all(runtime.bus, [*trades, *trades]))
        await eventually(lambda: has_rows(runtime, "listings", LISTINGS), within_seconds=60)
        await eventually(lambda: has_rows(runtime, "listing_observations", LISTINGS), within_seconds=60)
        await eventually(lambda: has_rows(runtime, "trades", TRADES), within_seconds=60)
        codes = await asyncio.gather(*(each.stop(within_seconds=30) for each in running))
        listings = await rows(runtime, "SELECT symbol FROM listings")
        stored = await rows(runtime, "SELECT symbol FROM trades")
        claims = await rows(runtime, "SELECT count(*) FROM listing_claims")

    assert codes == [0] * 2 * EACH
    assert sorted(row["symbol"] for row in listings) == sorted(names)
    assert sorted(row["symbol"] for row in stored) == sorted(f"TRADE{number}USDT" for number in range(TRADES))
    assert claims == [{"count": LISTINGS}]
    assert dead.messages == []
