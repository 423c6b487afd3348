"""Two versions side by side on one broker and database under load, the old one drained: nothing lost or doubled."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from shared.events import Source
from shared.wire.topology import DEAD_LETTERS, to_message
from tests.support.data.builders import a_raw_listing, a_trade
from tests.support.deployment.newer_build import start_of
from tests.support.running.pipelines import has_rows, pipeline, publish_all, rows
from tests.support.running.processes import Sniper, sniper
from tests.support.running.services import emptying
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

SERVICES: Final = ("dedup", "persister")
BATCH: Final = 40


@pytest.fixture
async def running() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


@pytest.mark.parametrize("newer_comes", [True, False])
async def test_the_old_is_drained_while_the_new_takes_over_and_each_event_is_stored_once(
    database_url: str, broker_url: str, newer: Path, tmp_path: Path, running: AsyncExitStack, newer_comes: bool
) -> None:
    environment = {"SNIPER_DATABASE_URL": database_url, "SNIPER_BROKER_URL": broker_url}
    before, after = (tmp_path, newer) if newer_comes else (newer, tmp_path)
    runtime = await running.enter_async_context(pipeline(database_url, broker_url))
    dead = await running.enter_async_context(emptying(runtime.bus, DEAD_LETTERS))
    sent = 0

    async def start(build: Path) -> list[Sniper]:
        every = [
            sniper("run", name, environment=environment, directory=build, start=start_of(build)) for name in SERVICES
        ]
        started = [await running.enter_async_context(each) for each in every]
        for each in started:
            await each.ready()
        return started

    async def load(until: asyncio.Event) -> None:
        nonlocal sent
        while not until.is_set():
            numbers = range(sent, sent + BATCH)
            seen = [a_raw_listing(symbol=f"ROLL{n}USDT", source=source) for n in numbers for source in BOTH]
            trades = [a_trade(symbol=f"ROLL{n}USDT", client_order_id=f"roll{n}") for n in numbers]
            await publish_all(runtime.bus, [*map(to_message, seen), *map(to_message, trades)])
            sent += BATCH

    old = await start(before)
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(load(enough))
        await eventually(lambda: sent >= BATCH)
        new = await start(after)
        codes = await asyncio.gather(*(each.stop(within_seconds=30) for each in old))
        at_the_end = sent
        await eventually(lambda: sent > at_the_end)
        enough.set()
    for table in ("listings", "trades", "listing_observations"):
        await eventually(partial(has_rows, runtime, table, sent), within_seconds=60)
    symbols = await rows(runtime, "SELECT symbol FROM listings")
    orders = await rows(runtime, "SELECT client_order_id FROM trades")
    codes += await asyncio.gather(*(each.stop(within_seconds=30) for each in new))

    assert codes == [0] * 2 * len(SERVICES)
    assert sorted(row["symbol"] for row in symbols) == sorted(f"ROLL{number}USDT" for number in range(sent))
    assert sorted(row["client_order_id"] for row in orders) == sorted(f"roll{number}" for number in range(sent))
    assert dead.messages == []


BOTH: Final = (Source.MEXC_WEBSOCKET, Source.MEXC_REST_API)
