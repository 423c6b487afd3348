"""Throughput and latency of the API over a million listings and trades, against an endpoint answering from memory."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Final

import psutil

from api.access import tokens
from api.access.principal import Scope
from bench.figures import BenchmarkError, Result, percentile_99
from bench.harness import Harness, wait_until_ready
from bench.parts.api import data as api_data
from bench.parts.api.browser_paint import opened_ms, painted_ms
from bench.parts.api.load import Target, open_dashboards, times_ms
from bench.parts.api.times import (
    CLIENTS,
    ROUNDS,
    alternate_throughput,
    depth_times,
    page_of,
    path_times,
    summary,
    thousand_rows_ms,
)
from tests.servers.ports import free_ports
from tests.support.running.services import open_database

ROWS_MAX: Final = 1_000_000
ROWS_PER_SAMPLE: Final = 7_000
STREAMS: Final = 50
OF_ONE_TOKEN: Final = 20
EVENTS_PER_SECOND: Final = 5.0
PACE_SECONDS: Final = 0.02
PAGE: Final = "/listings?limit=50"
STATS: Final = ("/listings/stats", "/listings/stats?hours=744", "/trades/stats", "/trades/stats?hours=744")
OPENING: Final = (
    "/health",
    "/status",
    "/config",
    "/listings?limit=30",
    "/trades?limit=100",
    "/upcoming",
    "/listings/stats",
    "/trades/stats",
    "/results",
    "/monitor",
)
"""Requests of a dashboard when it is opened; later updates come by the stream."""
UNLIMITED: Final[Mapping[str, str]] = MappingProxyType({"SNIPER_API_REQUESTS_PER_MINUTE": "10000000"})
LISTS: Final = ("/trades?limit=50", "/trades?limit=50&mode=live", "/trades?limit=50&status=failed", "/results")


async def measure(harness: Harness) -> Result:
    """Return the throughput of a page of listings, and the latency of everything else."""
    rows = min(ROWS_MAX, ROWS_PER_SAMPLE * harness.plan.samples)
    database = harness.database()
    began = time.perf_counter()
    await api_data.fill(database, rows)
    filled_seconds = round(time.perf_counter() - began, 1)
    async with _api(harness, database, UNLIMITED) as (target, _):
        page = await page_of(target, PAGE)
        async with _floor(harness, page) as bare:
            ours, floor = await alternate_throughput(harness.plan, target, bare, PAGE)
        extra: dict[str, object] = {
            "rows": rows,
            "filled_seconds": filled_seconds,
            **await path_times(harness.plan, target, (PAGE, *LISTS, *STATS)),
            **await depth_times(target, PAGE, harness.plan.samples),
            "database_1000_rows_ms": await thousand_rows_ms(database, harness.plan.samples),
            "stored to painted in Chromium": summary(await painted_ms(target, database, harness.plan.samples)),
        }
        opened = await opened_ms(target, harness.plan.samples)
        extra["first paint in Chromium"] = summary([each.first_paint for each in opened])
        extra["page read in Chromium"] = summary([each.read for each in opened])
    extra |= await _beside_dashboards(harness, database)
    return Result(ours=ours, floor=floor, what=f"GET {PAGE} on {CLIENTS} connections at once", extra=extra)


@asynccontextmanager
async def _api(harness: Harness, database: str, settings: Mapping[str, str]) -> AsyncIterator[tuple[Target, int]]:
    """Run the API alone; yield its address and its process id."""
    [port] = free_ports(1)
    environment = {
        "SNIPER_DATABASE_URL": database,
        "SNIPER_BROKER_URL": harness.broker(),
        "SNIPER_API_PORT": str(port),
        **settings,
    }
    token = await _token(database)
    async with harness.service("run", "api", environment=environment) as running:
        await wait_until_ready(running)
        yield Target(port, token), running.process.pid


async def _token(database: str) -> str:
    """Return the value of a new token, which has its own rate limit."""
    async with open_database(database) as opened:
        return await tokens.create(opened, f"bench-{uuid.uuid4().hex}", Scope.VIEW, created_by="bench")


@asynccontextmanager
async def _floor(harness: Harness, page: bytes) -> AsyncIterator[Target]:
    [port] = free_ports(1)
    body = harness.directory / "page.json"
    body.write_bytes(page)
    async with harness.floor("endpoint", port=port, body=str(body)):
        yield Target(port)


async def _beside_dashboards(harness: Harness, database: str) -> Mapping[str, object]:
    """Return the cost of open dashboards to other requests, at default limits: alternately with and without."""
    paths = [PAGE] * max(20, harness.plan.samples)
    alone, beside, seen = list[float](), list[float](), 0
    async with _api(harness, database, {}) as (target, process):
        dashboards = [Target(target.port, await _token(database)) for _ in range(0, STREAMS, OF_ONE_TOKEN)]
        for _ in range(ROUNDS):
            alone += await times_ms(target, paths, every_seconds=PACE_SECONDS)
            async with open_dashboards(dashboards, STREAMS, OPENING) as listings, asyncio.TaskGroup() as tasks:
                happening = api_data.store_events(database, 1 / EVENTS_PER_SECOND)
                storing = tasks.create_task(happening, name="events")
                beside += await times_ms(target, paths, every_seconds=PACE_SECONDS)
                storing.cancel()
            seen += listings[0]
        memory = psutil.Process(process).memory_info().rss
    if not seen:
        raise BenchmarkError("no listing came to any dashboard")
    ratio = percentile_99(beside) / percentile_99(alone)
    return {
        f"GET {PAGE} without dashboards": summary(alone),
        f"GET {PAGE} beside {STREAMS} dashboards": f"{summary(beside)}, {ratio:.2f}× the 99th percentile",
        "listings that came to dashboards": seen,
        "memory_mb": round(memory / 1e6, 1),
    }
