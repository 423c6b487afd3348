"""Cost of telemetry on the path from frame to order: two pipelines alternately, one with it and one without."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Never

import httpx
import psutil

from bench.environment import environment, raise_limits
from bench.exchange.venue import Journey, Venue, open_venue
from bench.figures import BenchmarkError, Result, latency
from bench.harness import Harness, wait_until_ready
from bench.parts.pipeline import SERVICES, listing_sample
from bench.sampling import Plan, interleaved
from bench.stages import StageTimes, medians_ms, received_to_ordered_ms, stage_times
from tests.servers.ports import free_ports
from tests.support.running.processes import Sniper

SCRAPE_SECONDS: Final = 15.0
HALVES: Final = 2


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Four services on a database, a virtual host and an exchange of their own."""

    venue: Venue
    database: str
    services: Sequence[Sniper]

    def cpu_seconds(self) -> float:
        """Return the processor time of its services so far."""
        times = [psutil.Process(each.process.pid).cpu_times() for each in self.services]
        return float(sum(each.user + each.system for each in times))


async def measure(harness: Harness) -> Result:
    """Return the times from a frame's arrival to its order's, with telemetry; the floor is without.

    Each round restarts all processes, starting the other pipeline first, to average out their placement. Half of a
    round's blocks are taken with telemetry first, as the second of two blocks comes later after a rest.
    """
    passed: dict[bool, list[StageTimes]] = {True: [], False: []}
    cpu_seconds = {True: 0.0, False: 0.0}
    exports = scrapes = 0
    for number in range(harness.plan.rounds):
        one = await _round(harness, with_first=bool(number % 2))
        for on in (True, False):
            passed[on] += one.passed[on]
            cpu_seconds[on] += one.cpu_seconds[on]
        exports, scrapes = exports + one.exports, scrapes + one.scrapes
    return Result(
        ours=latency(received_to_ordered_ms(passed[True])),
        floor=latency(received_to_ordered_ms(passed[False])),
        what="websocket frame received → order request on the wire, traced and scraped; the floor: neither",
        extra={
            "stages_p50_ms": medians_ms(passed[True]),
            "floor_stages_p50_ms": medians_ms(passed[False]),
            "cpu_seconds": round(cpu_seconds[True], 2),
            "floor_cpu_seconds": round(cpu_seconds[False], 2),
            "exports": exports,
            "scrapes": scrapes,
        },
    )


@dataclass(frozen=True, slots=True)
class Round:
    """Journeys and processor time with and without telemetry, and the counts of exports and scrapes."""

    passed: Mapping[bool, Sequence[StageTimes]]
    cpu_seconds: Mapping[bool, float]
    exports: int
    scrapes: int


async def _round(harness: Harness, *, with_first: bool) -> Round:
    [port] = free_ports(1)
    collector = f"http://127.0.0.1:{port}"
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(harness.child("bench.trace_collector", str(port), environment={}))
        pipelines = {
            on: await stack.enter_async_context(open_pipeline(harness, collector if on else None))
            for on in (with_first, not with_first)
        }
        scraping = await stack.enter_async_context(scraped(pipelines[True].services))
        before = {on: each.cpu_seconds() for on, each in pipelines.items()}
        journeys = await _by_turns(harness.plan, pipelines)
        cpu_seconds = {on: each.cpu_seconds() - before[on] for on, each in pipelines.items()}
        passed = {
            on: await stage_times(each.database, journeys[on], each.services[SERVICES.index("ingest")].log)
            for on, each in pipelines.items()
        }
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False, timeout=5))
        exports = int((await client.get(collector)).text)
    if not (exports and scraping.done):
        raise BenchmarkError(f"telemetry was off: {exports} exports, {scraping.done} scrapes")
    return Round(passed, cpu_seconds, exports, scraping.done)


async def _by_turns(plan: Plan, pipelines: Mapping[bool, Pipeline]) -> Mapping[bool, Sequence[Journey]]:
    """Return the journeys of each pipeline; each one goes first in half of the blocks."""
    taken: dict[bool, list[Journey]] = {True: [], False: []}
    half = Plan(-(-plan.samples // (HALVES * plan.rounds)), -(-plan.warmups // HALVES))

    async def rest() -> None:
        await asyncio.gather(*(each.venue.list_newcomers() for each in pipelines.values()))

    for number, first in enumerate((False, True)):
        offset = number * (half.samples + half.warmups)
        order = (first, not first)
        samples = [partial(listing_sample, pipelines[on].venue, offset=offset) for on in order]
        for on, journeys in zip(order, await interleaved(samples[0], samples[1], half, rest), strict=True):
            taken[on] += journeys
    return taken


@asynccontextmanager
async def open_pipeline(harness: Harness, collector: str | None) -> AsyncIterator[Pipeline]:
    """Run a pipeline until the block ends; it exports its traces to *collector*, if there is one."""
    database, broker = harness.database(), harness.broker()
    await raise_limits(database)
    async with open_venue() as venue, AsyncExitStack() as stack:
        variables = environment(venue, database, broker)
        if collector is not None:
            variables["SNIPER_OTLP_ENDPOINT"] = collector
        services = [
            await stack.enter_async_context(
                harness.service("run", name, environment=variables, stamped=name == "ingest")
            )
            for name in SERVICES
        ]
        for service in services:
            await wait_until_ready(service)
        yield Pipeline(venue, database, services)


@dataclass(slots=True)
class Scraping:
    """Count of scrapes of each service."""

    done: int = 0


@asynccontextmanager
async def scraped(services: Sequence[Sniper]) -> AsyncIterator[Scraping]:
    """Scrape the metrics of *services* like Prometheus, during the block."""
    scraping = Scraping()
    urls = [f"http://127.0.0.1:{each.metrics_port}/metrics" for each in services]

    async def keep_scraping(client: httpx.AsyncClient) -> Never:
        while True:
            for url in urls:
                (await client.get(url)).raise_for_status()
            scraping.done += 1
            await asyncio.sleep(SCRAPE_SECONDS)

    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        task = asyncio.create_task(keep_scraping(client), name="bench-scrape")
        try:
            yield scraping
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
