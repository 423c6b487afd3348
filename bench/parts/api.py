"""Throughput and latency of the API over a million listings and trades, against an endpoint answering from memory."""

import asyncio
import json
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import urlencode

import asyncpg
import psutil

from api.access import tokens
from api.access.principal import Scope
from api.reading.lists.cursor import Place, decode, encode
from api.reading.lists.filters import ListingsFilter
from api.reading.lists.statements import page_statement
from api.reading.lists.tables import LISTINGS
from bench.errors import BenchmarkError
from bench.figures import Result, percentile_99
from bench.parts import api_data
from bench.parts.api_load import Target, open_client, open_dashboards, throughput, times_ms
from bench.parts.browser_paint import opened_ms, painted_ms
from bench.testbed import Testbed, wait_until_ready
from tests.servers.ports import free_ports
from tests.support.running.services import open_database

ROWS_MAX: Final = 1_000_000
ROWS_PER_SAMPLE: Final = 4_000
CLIENTS: Final = 16
STREAMS: Final = 50
EVENTS_PER_SECOND: Final = 5.0
ROUNDS: Final = 4
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


async def measure(testbed: Testbed) -> Result:
    """Return the throughput of a page of listings, and the latency of everything else."""
    rows = min(ROWS_MAX, ROWS_PER_SAMPLE * testbed.plan.samples)
    database = testbed.database()
    began = time.perf_counter()
    await api_data.fill(database, rows)
    filled_seconds = round(time.perf_counter() - began, 1)
    async with _api(testbed, database, UNLIMITED) as (target, _):
        page = await _page(target)
        async with _floor(testbed, page) as bare:
            ours, floor = await _rates(testbed, target, bare)
        extra: dict[str, object] = {
            "rows": rows,
            "filled_seconds": filled_seconds,
            **await _times(testbed, target),
            **await _depth(testbed, target),
            "database_1000_rows_ms": await _thousand_rows_ms(database, testbed.plan.samples),
            "stored to painted in Chromium": _summary(await painted_ms(target, database, testbed.plan.samples)),
        }
        opened = await opened_ms(target, testbed.plan.samples)
        extra["first paint in Chromium"] = _summary([each.first_paint for each in opened])
        extra["page read in Chromium"] = _summary([each.read for each in opened])
    extra |= await _beside_dashboards(testbed, database)
    return Result(ours=ours, floor=floor, what=f"GET {PAGE} on {CLIENTS} connections at once", extra=extra)


@asynccontextmanager
async def _api(testbed: Testbed, database: str, settings: Mapping[str, str]) -> AsyncIterator[tuple[Target, int]]:
    """Run the API alone; yield its address and its process id."""
    [port] = free_ports(1)
    environment = {
        "SNIPER_DATABASE_URL": database,
        "SNIPER_BROKER_URL": testbed.broker(),
        "SNIPER_API_PORT": str(port),
        **settings,
    }
    token = await _token(database)
    async with testbed.service("run", "api", environment=environment) as running:
        await wait_until_ready(running)
        yield Target(port, token), running.process.pid


async def _token(database: str) -> str:
    """Return the value of a new token, which has its own rate limit."""
    async with open_database(database) as opened:
        return await tokens.create(opened, f"bench-{uuid.uuid4().hex}", Scope.VIEW, created_by="bench")


@asynccontextmanager
async def _floor(testbed: Testbed, page: bytes) -> AsyncIterator[Target]:
    [port] = free_ports(1)
    body = testbed.directory / "page.json"
    body.write_bytes(page)
    async with testbed.floor("endpoint", port=port, body=str(body)):
        yield Target(port)


async def _page(target: Target, path: str = PAGE) -> bytes:
    async with open_client(target) as client:
        return await client.get(target.request(path))


async def _rates(testbed: Testbed, target: Target, bare: Target) -> tuple[Any, Any]:
    """Return the throughput of both, measured alternately; the median of each."""
    seconds = min(3.0, testbed.plan.samples / 100)
    taken: dict[str, list[Any]] = {"floor": [], "ours": []}
    for _ in range(ROUNDS):
        taken["floor"].append(await throughput(bare, PAGE, clients=CLIENTS, seconds=seconds))
        taken["ours"].append(await throughput(target, PAGE, clients=CLIENTS, seconds=seconds))
    ours, floor = (sorted(taken[name], key=lambda each: each.per_s)[ROUNDS // 2] for name in ("ours", "floor"))
    return ours, floor


async def _times(testbed: Testbed, target: Target) -> Mapping[str, object]:
    """Return the median and the 99th percentile of each path, one request at a time."""
    found: dict[str, object] = {}
    for path in (PAGE, *LISTS, *STATS):
        times = await times_ms(target, [path] * (testbed.plan.warmups + testbed.plan.samples))
        found[f"GET {path}"] = _summary(times[testbed.plan.warmups :])
    return found


def _summary(times: Sequence[float]) -> str:
    return f"p50 {statistics.median(times):.2f} ms, p99 {percentile_99(times):.2f} ms"


async def _depth(testbed: Testbed, target: Target) -> Mapping[str, object]:
    """Return the latency of a page nine tenths down the list, relative to the first."""
    page = json.loads(await _page(target, "/listings?limit=100"))
    last = decode(page["next"])
    deep = Place(last.at - timedelta(days=0.9 * api_data.DAYS), last.id)
    path = f"{PAGE}&{urlencode({'cursor': encode(deep)})}"
    first = await times_ms(target, [PAGE] * testbed.plan.samples)
    far = await times_ms(target, [path] * testbed.plan.samples)
    ratio = statistics.median(far) / statistics.median(first)
    return {"a page nine tenths down": f"{_summary(far)}, {ratio:.2f}× the first"}


async def _thousand_rows_ms(database: str, samples: int) -> float:
    """Return the database's time for ten consecutive pages of a hundred listings, by cursor."""
    connection, wanted, times = await asyncpg.connect(database), ListingsFilter(limit=100), list[float]()
    try:
        for _ in range(samples):
            place: Place | None = None
            began = time.perf_counter()
            for _ in range(10):
                statement, arguments = page_statement(LISTINGS, wanted, place, limit=101)
                rows = await connection.fetch(statement, *arguments)
                place = Place(rows[99]["created_at"], rows[99]["id"])
            times.append((time.perf_counter() - began) * 1000)
    finally:
        await connection.close()
    return round(statistics.median(times), 2)


async def _beside_dashboards(testbed: Testbed, database: str) -> Mapping[str, object]:
    """Return the cost of open dashboards to other requests, at default limits: alternately with and without."""
    paths = [PAGE] * max(20, testbed.plan.samples)
    alone, beside, seen = list[float](), list[float](), 0
    async with _api(testbed, database, {}) as (target, process):
        dashboards = Target(target.port, await _token(database))
        for _ in range(ROUNDS):
            alone += await times_ms(target, paths, every_seconds=PACE_SECONDS)
            async with open_dashboards(dashboards, STREAMS, OPENING) as listings, asyncio.TaskGroup() as tasks:
                happening = api_data.keep_happening(database, 1 / EVENTS_PER_SECOND)
                storing = tasks.create_task(happening, name="events")
                beside += await times_ms(target, paths, every_seconds=PACE_SECONDS)
                storing.cancel()
            seen += listings[0]
        memory = psutil.Process(process).memory_info().rss
    if not seen:
        raise BenchmarkError("no listing came to any dashboard")
    ratio = percentile_99(beside) / percentile_99(alone)
    return {
        f"GET {PAGE} without dashboards": _summary(alone),
        f"GET {PAGE} beside {STREAMS} dashboards": f"{_summary(beside)}, {ratio:.2f}× the 99th percentile",
        "listings that came to dashboards": seen,
        "memory_mb": round(memory / 1e6, 1),
    }
