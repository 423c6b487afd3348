"""`sniper run express`: a listing is bought before it is announced, and a second process goes on when one is killed."""

import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from contract.metrics import definitions_of
from tests.support.running.processes import Sniper, sniper
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

LIVE_ONLY = ("sniper_executor_private_stream_", "sniper_executor_api_key_")
"""Metrics that nobody shows without the exchange's keys."""
BOUGHT = 'sniper_express_sightings_total{outcome="bought",reason=""} '
TRIES = 5


@dataclass
class Standby:
    """Two processes on the express way beside dedup and persister, all of them ready."""

    simulator: SimulatorProcess
    rows: "asyncpg.Connection[asyncpg.Record]"
    pair: list[Sniper] = field(default_factory=list)

    async def traded(self, symbol: str) -> bool:
        return bool(await self.rows.fetchval("SELECT status = 'filled' FROM trades WHERE symbol = $1", symbol))

    async def list_coin(self, symbol: str) -> None:
        """List *symbol*; return once it is bought, and its trade stored."""
        await self.simulator.list_coin(symbol)
        await eventually(lambda: self.traded(symbol), within_seconds=30)

    async def counts(self, symbol: str) -> tuple[int, int, int, int]:
        """Return how many listings, claims, orders and unannounced listings there are of *symbol*."""
        key = f"{symbol}:1"
        return (
            await self.rows.fetchval("SELECT count(*) FROM listings WHERE symbol = $1", symbol),
            await self.rows.fetchval("SELECT count(*) FROM listing_claims WHERE listing_key = $1", key),
            await self.rows.fetchval("SELECT count(*) FROM orders WHERE listing_key = $1 AND side = 'BUY'", key),
            await self.rows.fetchval("SELECT count(*) FROM unannounced_listings WHERE listing_key = $1", key),
        )


@pytest.fixture
async def standby(database_url: str, broker_url: str, tmp_path: Path) -> AsyncIterator[Standby]:
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
        started = Standby(simulator, rows)
        for name in ("persister", "dedup", "express", "express"):
            running = sniper("run", name, environment=environment, directory=tmp_path)
            service = await stack.enter_async_context(running)
            await service.ready()
            if name == "express":
                started.pair.append(service)
        yield started


async def bought(process: Sniper) -> float:
    page = (await process.get("/metrics")).text
    return sum(float(line.removeprefix(BOUGHT)) for line in page.splitlines() if line.startswith(BOUGHT))


async def test_one_of_two_buys_each_listing_and_when_it_is_killed_the_other_buys_the_next(standby: Standby) -> None:
    first, counts = await bought_ahead(standby, "FIRST", standby.pair)
    assert sorted(counts) == [0, 1]
    winner, other = standby.pair if counts[0] else reversed(standby.pair)
    before = await bought(other)

    await winner.kill()
    second, [count] = await bought_ahead(standby, "SECOND", [other])

    assert count == before + 1
    assert await unshown(other) == set()
    for symbol in (*first, *second):
        await eventually(partial(is_settled, standby, symbol), within_seconds=30)
    assert await other.stop() == 0


async def bought_ahead(standby: Standby, name: str, processes: Sequence[Sniper]) -> tuple[list[str], list[float]]:
    """List coins until one is bought ahead of its announcement; return all of them, and what each process has bought.

    On a busy machine a commit may take longer than the head start: dedup claims that coin, and it is bought all the
    same.
    """
    before, symbols = sum([await bought(each) for each in processes]), list[str]()
    while len(symbols) < TRIES:
        symbols.append(f"{name}{len(symbols)}USDT")
        await standby.list_coin(symbols[-1])
        counts = [await bought(each) for each in processes]
        if sum(counts) > before:
            return symbols, counts
    raise AssertionError(f"none of {symbols} was bought ahead of its announcement")


async def unshown(process: Sniper) -> set[str]:
    """Return the metrics of ingest and of the executor that its page lacks: rules and dashboards go by both."""
    shown = set(re.findall(r"^# TYPE (\w+)", (await process.get("/metrics")).text, re.MULTILINE))
    defined = {each.name for service in ("ingest", "executor") for each in definitions_of(service)}
    return {name for name in defined - shown if not name.startswith(LIVE_ONLY)}


async def is_settled(standby: Standby, symbol: str) -> bool:
    return await standby.counts(symbol) == (1, 1, 1, 0)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SNIPER_LIVE", "true"),
        ("SNIPER_EXPRESS", "perhaps"),
        ("SNIPER_EXPRESS_CORE", "4095"),
        ("SNIPER_EXECUTOR_ORDERS_PER_DAY", "none"),
    ],
)
async def test_a_setting_that_cannot_be_meant_ends_it_with_2_and_is_named(
    database_url: str, broker_url: str, tmp_path: Path, variable: str, value: str
) -> None:
    environment = {"SNIPER_DATABASE_URL": database_url, "SNIPER_BROKER_URL": broker_url, variable: value}
    async with sniper("run", "express", environment=environment, directory=tmp_path) as process:
        assert await process.process.wait() == 2

    assert variable in process.log.read_text()


async def test_one_that_spins_on_a_core_buys_and_stops(database_url: str, broker_url: str, tmp_path: Path) -> None:
    async with running_simulator() as simulator:
        environment = {
            "SNIPER_DATABASE_URL": database_url,
            "SNIPER_BROKER_URL": broker_url,
            "SNIPER_MEXC_REST_URL": simulator.rest_url,
            "SNIPER_MEXC_WS_URL": simulator.ws_url,
            "SNIPER_EXPRESS_SPIN": "true",
            "SNIPER_EXPRESS_CORE": str(min(os.sched_getaffinity(0))),
        }
        async with sniper("run", "express", environment=environment, directory=tmp_path) as process:
            await process.ready()
            await simulator.list_coin("FIRSTUSDT")
            await eventually(partial(bought, process), within_seconds=30)
            used = await process.cpu_seconds()
            await eventually(partial(has_spun, process, used), within_seconds=12)

            assert os.sched_getaffinity(process.process.pid) == {min(os.sched_getaffinity(0))}
            assert await process.stop() == 0


async def has_spun(process: Sniper, since: float) -> bool:
    """Return whether *process*, which has nothing to do, has used a second of its core nevertheless."""
    return await process.cpu_seconds() > since + 1
