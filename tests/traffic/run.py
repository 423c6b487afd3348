"""Ingest and dedup, as processes on real servers, through a day of the exchange; and what was seen of them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ingest.settings import IngestSettings
from shared.wire.topology import DEAD_LETTERS, EXECUTOR_LISTINGS, EXECUTOR_OPENINGS
from simulator.settings import SimulatorSettings
from tests.support.running.processes import Sniper, sniper
from tests.support.running.services import emptying, rabbitmq_runtime
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.support.running.starting import executed
from tests.traffic.driver import Driver
from tests.traffic.memory import Memory, sample
from tests.traffic.record import Record
from tests.traffic.script import SEED, SYMBOLS
from tests.traffic.steps import Script
from tests.waiting import eventually

SPEED: Final = 100.0
START_SECONDS: Final = 60
ALONE_WEIGHT: Final = 240
"""Of the exchange's 300 in ten seconds: no executor asks beside this ingest."""


@dataclass(frozen=True, slots=True)
class Servers:
    database_url: str
    broker_url: str
    directory: Path
    """For the logs."""


async def played(script: Script, servers: Servers, *, speed: float = SPEED, read_every_seconds: float) -> Record:
    """Play *script*, and return what was published and counted."""
    async with (
        running_simulator(
            symbols=SYMBOLS, seed=SEED, limits=True, ticker_interval_seconds=_sped_up_simulator(speed)
        ) as simulator,
        rabbitmq_runtime(servers.database_url, servers.broker_url) as runtime,
        emptying(runtime.bus, EXECUTOR_LISTINGS) as outlet,
        emptying(runtime.bus, EXECUTOR_OPENINGS) as openings,
        emptying(runtime.bus, DEAD_LETTERS) as dead,
        _services(servers, simulator, speed) as services,
    ):
        driver, memory = Driver(simulator, speed), Memory(services, read_every_seconds)
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(memory.watch(), name="memory")
            await driver.follow(script)
            watching.cancel()
        ingest = services["ingest"]
        return Record(
            told=[*outlet.events, *openings.events],
            opens_at_ms=driver.opens_at_ms,
            requests=await simulator.requests(),
            refusals=await simulator.refusals(),
            misreads=await _counted(ingest, "quarantined_reads", feed="exchangeInfo"),
            disconnects=await _counted(ingest, "websocket_disconnects", stream="tickers"),
            dead_letters=len(dead.messages),
            memory=memory.readings,
        )


@asynccontextmanager
async def _services(servers: Servers, simulator: SimulatorProcess, speed: float) -> AsyncIterator[Mapping[str, Sniper]]:
    environment = {
        "SNIPER_DATABASE_URL": servers.database_url,
        "SNIPER_BROKER_URL": servers.broker_url,
        "SNIPER_MEXC_REST_URL": simulator.rest_url,
        "SNIPER_MEXC_WS_URL": simulator.ws_url,
        **_sped_up_ingest(speed),
    }
    async with (
        sniper("run", "ingest", environment=environment, directory=servers.directory, start=executed) as ingest,
        sniper("run", "dedup", environment=environment, directory=servers.directory, start=executed) as dedup,
    ):
        for each in (ingest, dedup):
            await eventually(each.is_ready, within_seconds=START_SECONDS, every_seconds=0.25)
        yield {"ingest": ingest, "dedup": dedup}


async def _counted(ingest: Sniper, what: str, **labels: str) -> int:
    return int(await sample(ingest, f"sniper_ingest_{what}_total", **labels))


def _sped_up_simulator(speed: float) -> float:
    return float(SimulatorSettings.model_fields["ticker_interval_seconds"].default) / speed


def _sped_up_ingest(speed: float) -> dict[str, str]:
    """Return the variables that divide ingest's times by *speed*, where a process can be that quick.

    The limits on requests are not multiplied by it, neither ours nor the exchange's, and so the beats cannot follow:
    ingest looks a few times more often than in life, and so a few dozen times less often in each minute of the day.
    """
    at_least = {
        "default_symbols_seconds": 0.1,
        "default_symbols_opening_seconds": 0.1,
        "exchange_info_seconds": 2,
        "exchange_info_opening_seconds": 2,
        "calendar_seconds": 1,
        "opening_before_seconds": 0,
        "opening_after_seconds": 0,
        "gone_seconds": 0,
    }
    times = {name: max(IngestSettings.model_fields[name].default / speed, least) for name, least in at_least.items()}
    chosen = times | {"weight_per_10_seconds": ALONE_WEIGHT}
    return {f"SNIPER_INGEST_{name.upper()}": str(value) for name, value in chosen.items()}
