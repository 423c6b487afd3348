"""`python -m bench.footprint`: resources of each service at rest, and bytes per listing in database and archive.

There is no floor: the figures are for capacity planning. They are written to a separate file.
"""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import asyncpg
import httpx
import psutil
import uvloop

from bench import machine
from bench.environment import environment, raise_limits
from bench.exchange.venue import open_venue
from bench.figures import BenchmarkError
from bench.harness import Harness, open_harness, wait_until_ready
from bench.parts.api import data as api_data
from bench.parts.pipeline import listing_sample
from bench.report import RESULTS
from bench.sampling import BLOCK, Plan
from bench.stages import settled_stamps
from shared.process.telemetry import configure_logging
from shared.settings import TelemetrySettings
from tests.support.running.processes import Sniper, clean

SERVICES: Final = ("persister", "dedup", "executor", "ingest", "api")
SCRAPES: Final = 40
SCRAPE_EVERY_SECONDS: Final = 15.0
FORMATS: Final = ("jsonl", "parquet")
MILLION: Final = 1_000_000
_SIZE: Final = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
_SIZE_OF: Final = "SELECT pg_total_relation_size($1::regclass)"
_WITH_ITS_STATISTICS: Final = {
    "listings": ("listings", "listing_hours"),
    "trades": ("trades", "trade_hours", "latency_hours"),
}


async def measure(harness: Harness, rows: int, rest_seconds: float) -> Mapping[str, object]:
    """Return all figures, by name."""
    return {**await _services(harness, rest_seconds), "per_million": await _rows(harness, rows)}


async def _services(harness: Harness, rest_seconds: float) -> Mapping[str, object]:
    """Return each service's resources at rest and for scraping, and the bytes of a traded listing in the database."""
    database, broker = harness.database(), harness.broker()
    await raise_limits(database)
    async with open_venue() as venue, AsyncExitStack() as stack:
        variables = environment(venue, database, broker)
        found: dict[str, dict[str, float]] = {}
        running: dict[str, Sniper] = {}
        for name in SERVICES:
            began = time.perf_counter()
            running[name] = await stack.enter_async_context(harness.service("run", name, environment=variables))
            await wait_until_ready(running[name])
            found[name] = {"ready_seconds": round(time.perf_counter() - began, 2)}
        for name, rest in (await _at_rest(running, rest_seconds)).items():
            found[name] |= rest | {"scrape_core_pct": await _scraping_pct(running[name])}
        before = await _size(database)
        journeys = []
        for number in range(harness.plan.samples):
            journeys.append(await listing_sample(venue, number))
            if len(journeys) % BLOCK == 0:
                await venue.list_newcomers()
        await settled_stamps(database, {journey.symbol for journey in journeys})
        grown = await _size(database) - before
    together = {key: round(sum(each[key] for each in found.values()), 2) for key in ("rss_mb", "pss_mb", "core_pct")}
    return {"services": found, "together": together, "bytes_of_a_traded_listing": grown // len(journeys)}


async def _at_rest(running: Mapping[str, Sniper], seconds: float) -> Mapping[str, dict[str, float]]:
    processes = {name: psutil.Process(each.process.pid) for name, each in running.items()}
    before = {name: _cpu_seconds(each) for name, each in processes.items()}
    await asyncio.sleep(seconds)
    return {
        name: {
            "rss_mb": round(each.memory_info().rss / 1e6, 1),
            "pss_mb": round(each.memory_full_info().pss / 1e6, 1),
            "core_pct": round(100 * (_cpu_seconds(each) - before[name]) / seconds, 2),
        }
        for name, each in processes.items()
    }


async def _scraping_pct(service: Sniper) -> float:
    """Return the share of a core that scraping at Prometheus' interval costs *service*."""
    process = psutil.Process(service.process.pid)
    url = f"http://127.0.0.1:{service.metrics_port}/metrics"
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        (await client.get(url)).raise_for_status()
        before = _cpu_seconds(process)
        for _ in range(SCRAPES):
            await client.get(url)
    return round(100 * (_cpu_seconds(process) - before) / SCRAPES / SCRAPE_EVERY_SECONDS, 3)


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def _rows(harness: Harness, rows: int) -> Mapping[str, object]:
    """Return the bytes of a million listings and trades, in the database and in each format of the archive."""
    database = harness.database()
    await api_data.fill(database, rows)
    connection = await asyncpg.connect(database)
    try:
        sizes = {
            name: sum([await connection.fetchval(_SIZE_OF, table) for table in tables])
            for name, tables in _WITH_ITS_STATISTICS.items()
        }
    finally:
        await connection.close()
    found = {f"database_{name}_mb": _per_million_mb(size, rows) for name, size in sizes.items()}
    for format_ in FORMATS:
        for table, (size, archived) in (await _archived(database, format_)).items():
            found[f"archive_{format_}_{table}_mb"] = _per_million_mb(size, archived)
    return found


async def _archived(database: str, format_: str) -> Mapping[str, tuple[int, int]]:
    """Return bytes and rows of each table, archived in that format by `sniper archive`."""
    with TemporaryDirectory(prefix="sniper-bench-") as directory:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli", "archive", "--older-than", "1d", "--to", directory),
            *("--format", format_, "--json"),
            env=clean() | {"SNIPER_DATABASE_URL": database},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await process.communicate()
    if process.returncode:
        raise BenchmarkError(f"sniper archive ended with {process.returncode}")
    totals: dict[str, tuple[int, int]] = {}
    for file in json.loads(output)["files"]:
        size, rows = totals.get(file["table"], (0, 0))
        totals[file["table"]] = (size + file["bytes"], rows + file["rows"])
    return totals


def _per_million_mb(size: int, rows: int) -> int:
    return round(size / rows * MILLION / 1e6)


async def _size(database: str) -> int:
    connection = await asyncpg.connect(database)
    try:
        return int(await connection.fetchval(_SIZE))
    finally:
        await connection.close()


def main(arguments: Sequence[str]) -> int:
    """Measure, print and save; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m bench.footprint", description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000, help="listings to store, and as many trades")
    parser.add_argument("--samples", type=int, default=300, help="listings to trade")
    parser.add_argument("--rest", type=float, default=30, help="seconds to observe services at rest")
    parser.add_argument("--results", type=Path, default=RESULTS.with_name("footprint.json"))
    options = parser.parse_args(arguments)
    configure_logging(TelemetrySettings(log_level="warning"))
    with open_harness(Plan(options.samples, warmups=1)) as harness:
        found = uvloop.run(measure(harness, options.rows, options.rest))
    output: dict[str, Any] = {"machine": dict(machine.describe()), **found}
    options.results.parent.mkdir(parents=True, exist_ok=True)
    options.results.write_text(json.dumps(output, indent=2) + "\n")
    sys.stdout.write(json.dumps(output, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
