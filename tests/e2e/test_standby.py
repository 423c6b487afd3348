"""Two ingests: one watches, the other takes over from it, and every listing is published once."""

import asyncio
import math
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from tests.support.running.processes import Sniper, sniper
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

BEFORE, AFTER = 5, 25
TAKEOVER_SECONDS = 5
AGES = ("sniper_ingest_last_listing_age_seconds", 'sniper_ingest_data_age_seconds{feed="websocket"}')


@dataclass
class Pair:
    """Two ingests over one database and broker, and a persister that stores their listings."""

    simulator: SimulatorProcess
    rows: "asyncpg.Connection[asyncpg.Record]"
    watches: Sniper
    stands_by: Sniper

    async def holder(self) -> str:
        return str(await self.rows.fetchval("SELECT holder FROM leases WHERE name = 'ingest'"))

    async def stored(self) -> list[str]:
        return [row["symbol"] for row in await self.rows.fetch("SELECT symbol FROM listings ORDER BY symbol")]

    async def list_coins(self, first: int, last: int) -> list[str]:
        """List coins one after the other; return their names."""
        names = [f"STANDBY{number:02}USDT" for number in range(first, last)]
        for name in names:
            await self.simulator.list_coin(name)
            await asyncio.sleep(0.1)
        return names


@pytest.fixture
async def pair(database_url: str, broker_url: str, tmp_path: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(running_simulator())
        environment = {
            "SNIPER_DATABASE_URL": database_url,
            "SNIPER_BROKER_URL": broker_url,
            "SNIPER_MEXC_REST_URL": simulator.rest_url,
            "SNIPER_MEXC_WS_URL": simulator.ws_url,
        }
        rows = await asyncpg.connect(database_url)
        stack.push_async_callback(rows.close)

        async def start(name: str) -> Sniper:
            running = sniper("run", name, environment=environment, directory=tmp_path)
            service = await stack.enter_async_context(running)
            await service.ready()
            return service

        await start("persister")
        await start("dedup")
        yield Pair(simulator, rows, await start("ingest"), await start("ingest"))


@asynccontextmanager
async def frozen(service: Sniper) -> AsyncIterator[None]:
    service.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        service.process.send_signal(signal.SIGCONT)


async def end(service: Sniper, how: str) -> None:
    if how == "asked":
        assert await service.stop() == 0
    else:
        await service.kill()


@pytest.mark.parametrize("how", ["asked", "killed"])
async def test_the_second_takes_over_and_nothing_is_missed_or_invented(pair: Pair, how: str) -> None:
    first = await pair.holder()
    before = await pair.list_coins(0, BEFORE)
    listing = asyncio.create_task(pair.list_coins(BEFORE, AFTER))
    await end(pair.watches, how)

    await eventually(lambda: differs(pair, first), within_seconds=TAKEOVER_SECONDS)
    wanted = [*before, *await listing]
    await eventually(lambda: are_stored(pair, wanted), within_seconds=30)
    late = await pair.list_coins(AFTER, AFTER + 1)
    await eventually(lambda: are_stored(pair, [*wanted, *late]), within_seconds=30)

    status = "SELECT status = 'running' FROM bot_health WHERE component_name = 'ingest'"
    await eventually(lambda: pair.rows.fetchval(status))


async def test_one_that_froze_comes_back_as_the_one_that_stands_by(pair: Pair) -> None:
    first = await pair.holder()
    async with frozen(pair.watches):
        await eventually(lambda: differs(pair, first))
        wanted = await pair.list_coins(0, BEFORE)
        await eventually(lambda: are_stored(pair, wanted), within_seconds=30)
    second = await pair.holder()
    await eventually(lambda: "another ingest watches" in pair.watches.log.read_text())
    wanted += await pair.list_coins(BEFORE, BEFORE + 3)
    await eventually(lambda: are_stored(pair, wanted), within_seconds=30)

    assert await pair.holder() == second
    assert await pair.watches.is_ready()


async def test_the_one_that_stands_by_exports_no_age_and_counts_from_what_was_stored_once_it_watches(
    pair: Pair,
) -> None:
    loop = asyncio.get_running_loop()
    began, first = loop.time(), await pair.holder()
    assert [math.isnan(await shown(pair.stands_by, age)) for age in AGES] == [True, True]
    assert await shows_numbers(pair.watches)
    wanted = await pair.list_coins(0, 1)
    await eventually(lambda: are_stored(pair, wanted), within_seconds=30)
    await end(pair.watches, "asked")
    await eventually(lambda: differs(pair, first), within_seconds=TAKEOVER_SECONDS)

    await eventually(lambda: shows_numbers(pair.stands_by))

    assert await shown(pair.stands_by, AGES[0]) < loop.time() - began


async def shown(service: Sniper, name: str) -> float:
    """Return the value of a metric, by its name and labels as the page has them."""
    page = (await service.get("/metrics")).text
    [value] = [line.removeprefix(f"{name} ") for line in page.splitlines() if line.startswith(f"{name} ")]
    return float(value)


async def shows_numbers(service: Sniper) -> bool:
    return not any([math.isnan(await shown(service, age)) for age in AGES])


async def differs(pair: Pair, holder: str) -> bool:
    return await pair.holder() not in {holder, ""}


async def are_stored(pair: Pair, wanted: list[str]) -> bool:
    """Return whether exactly these are; raise for one stored twice or never listed."""
    stored = await pair.stored()
    assert set(stored) <= set(wanted)
    assert len(stored) == len(set(stored))
    return stored == sorted(wanted)
