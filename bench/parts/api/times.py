"""Times and throughput of the API's lists, and of the database's reads for them."""

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlencode

import asyncpg

from api.reading.lists.cursor import Place, decode, encode
from api.reading.lists.filters import ListingsFilter
from api.reading.lists.statements import page_statement
from api.reading.lists.tables import LISTINGS
from bench.figures import percentile_99
from bench.parts.api import data as api_data
from bench.parts.api.load import Target, open_client, throughput, times_ms
from bench.sampling import Plan

CLIENTS: Final = 16
ROUNDS: Final = 4


async def page_of(target: Target, path: str) -> bytes:
    """Return the body of one response."""
    async with open_client(target) as client:
        return await client.get(target.request(path))


async def alternate_throughput(plan: Plan, target: Target, bare: Target, path: str) -> tuple[Any, Any]:
    """Return the throughput of both, measured alternately; the median of each."""
    seconds = min(3.0, plan.samples / 100)
    taken: dict[str, list[Any]] = {"floor": [], "ours": []}
    for _ in range(ROUNDS):
        taken["floor"].append(await throughput(bare, path, clients=CLIENTS, seconds=seconds))
        taken["ours"].append(await throughput(target, path, clients=CLIENTS, seconds=seconds))
    ours, floor = (sorted(taken[name], key=lambda each: each.per_s)[ROUNDS // 2] for name in ("ours", "floor"))
    return ours, floor


async def path_times(plan: Plan, target: Target, paths: Sequence[str]) -> Mapping[str, object]:
    """Return the median and the 99th percentile of each path, one request at a time."""
    found: dict[str, object] = {}
    for path in paths:
        times = await times_ms(target, [path] * (plan.warmups + plan.samples))
        found[f"GET {path}"] = summary(times[plan.warmups :])
    return found


def summary(times: Sequence[float]) -> str:
    """Return the median and the 99th percentile of *times* in words."""
    return f"p50 {statistics.median(times):.2f} ms, p99 {percentile_99(times):.2f} ms"


async def depth_times(target: Target, first_page: str, samples: int) -> Mapping[str, object]:
    """Return the latency of a page nine tenths down the list, relative to the first."""
    page = json.loads(await page_of(target, "/listings?limit=100"))
    last = decode(page["next"])
    deep = Place(last.at - timedelta(days=0.9 * api_data.DAYS), last.id)
    path = f"{first_page}&{urlencode({'cursor': encode(deep)})}"
    first = await times_ms(target, [first_page] * samples)
    far = await times_ms(target, [path] * samples)
    ratio = statistics.median(far) / statistics.median(first)
    return {"a page nine tenths down": f"{summary(far)}, {ratio:.2f}× the first"}


async def thousand_rows_ms(database: str, samples: int) -> float:
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
