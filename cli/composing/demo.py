"""`sniper demo`: a bounded `sniper up` that counts listings and trades and times each stage."""

import asyncio
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Final

import httpx
from rich.table import Table

from api.operator import trade_config
from cli import process
from cli.composing import list_coins, simulator_process
from cli.composing.services import Serve, prepare
from cli.composing.up import run_services
from executor.service import serve as serve_executor
from executor.settings import ExecutorSettings
from shared.backoff import pause
from shared.errors import SniperError
from shared.postgres.database import Database
from shared.process.runtime import Runtime
from shared.settings import BrokerSettings, DatabaseSettings, DataSettings, ExchangeSettings, TelemetrySettings, load
from simulator.settings import SimulatorSettings

PLAN: Final = process.ProcessPlan("demo", services=("persister", "dedup", "executor", "ingest"), migrate=True)
STAGES: Final = ("published", "deduplicated", "decided", "answered", "stored")
MEANING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "published": "frame received → raw published",
        "deduplicated": "raw published → deduplicated",
        "decided": "deduplicated → decided",
        "answered": "decided → order answered",
        "stored": "order answered → stored",
    }
)
SECONDS_FIRST: Final = 15.0
SECONDS_EACH: Final = 1.0
SECOND_SIGHTING_SECONDS: Final = 6.0
POLL_SECONDS: Final = 0.05
DOLLARS_EACH: Final = Decimal(100)
SPACING_SECONDS: Final = 0.2
AT_ONCE_MAX: Final = 50

COUNT = """
    SELECT (SELECT count(*) FROM listing_claims) AS detected,
           (SELECT count(*) FROM listings) AS stored,
           (SELECT count(*) FROM trades WHERE status = 'filled') AS traded
"""
# A row is stored when its transaction commits, which only the server knows.
TIMES = "SELECT stages, pg_xact_commit_timestamp(xmin) AS stored_at FROM trades WHERE status = 'filled'"


@dataclass(frozen=True, slots=True)
class Report:
    """Counts of listings and trades, and the p50 and p99 of each stage in milliseconds."""

    wanted: int
    detected: int
    duplicates_dropped: int
    stored: int
    traded: int
    stages: Mapping[str, Mapping[str, float]]

    @property
    def complete(self) -> bool:
        """Return whether every listing was traded and stored."""
        return self.detected == self.stored == self.traded == self.wanted

    def as_json(self) -> Mapping[str, object]:
        """Return the report as `--json` prints it."""
        return {
            "detected": self.detected,
            "duplicates_dropped": self.duplicates_dropped,
            "stored": self.stored,
            "traded": self.traded,
            "stages": self.stages,
        }


async def demo(listings: int, stop: asyncio.Event) -> Report:
    """List coins on a private simulator and follow them through a private pipeline, both temporary."""
    fields = SimulatorSettings.model_fields
    limits = [
        f"--{name.replace('_', '-')}={fields[name].default * _at_once(listings)}"
        for name in ("weight_per_10_seconds", "requests_per_second")
    ]
    with tempfile.TemporaryDirectory(prefix="sniper-demo-") as directory:
        private = process.ProcessSettings(
            broker=BrokerSettings(url=None),
            database=DatabaseSettings(url=None),
            data=DataSettings(data_dir=Path(directory)),
            telemetry=load(TelemetrySettings).model_copy(update={"metrics_port": 0}),
        ).quiet()
        async with (
            simulator_process.run_simulator("--ticker-interval-seconds", "1", *limits) as venue,
            process.start_process(PLAN, private, stop) as own,
        ):
            chosen = _services(Path(directory), venue, listings)
            return await _follow(own.runtime, chosen, venue, listings)


def _at_once(listings: int) -> int:
    """Return how many coins share the ten seconds of a rate limit that is made for one listing."""
    return min(listings, AT_ONCE_MAX)


def _services(directory: Path, venue: ExchangeSettings, listings: int) -> Mapping[str, Serve]:
    """Return the services, with limits on listings, orders and requests raised to fit the demo's coins."""
    settings = load(ExecutorSettings)
    room = {
        "orders_per_minute": max(settings.orders_per_minute, listings),
        "orders_per_day": max(settings.orders_per_day, listings),
        "listings_per_minute_max": max(settings.listings_per_minute_max, listings),
        "daily_spend_usdt": max(settings.daily_spend_usdt, DOLLARS_EACH * listings),
        "weight_per_10_seconds": settings.weight_per_10_seconds * _at_once(listings),
        "requests_per_second": settings.requests_per_second * _at_once(listings),
    }
    roomy = settings.model_copy(update=room)
    return {**prepare(PLAN.services), "executor": lambda runtime, _: serve_executor(runtime, roomy, venue, directory)}


async def _follow(runtime: Runtime, chosen: Mapping[str, Serve], venue: ExchangeSettings, listings: int) -> Report:
    config = await trade_config.read(runtime.database)
    room = max(config.max_position_usdt, config.max_trade_usdt * listings)
    await trade_config.change(runtime.database, {"max_position_usdt": room}, changed_by="demo")
    async with asyncio.TaskGroup() as tasks:
        services = tasks.create_task(run_services(chosen, runtime, venue), name="services")
        try:
            try:
                async with asyncio.timeout(SECONDS_FIRST):
                    await process.until_ready(runtime)
            except TimeoutError:
                missing = ", ".join(runtime.telemetry.not_ready())
                raise SniperError(f"not ready in {SECONDS_FIRST:.0f} s: {missing}") from None
            await _list_coins(venue.mexc_rest_url, listings, runtime.stop)
            await _until_traded(runtime, listings)
            return await _report(runtime, listings)
        finally:
            runtime.stop.set()
            await asyncio.wait([services])


async def _list_coins(simulator_url: str, listings: int, stop: asyncio.Event) -> None:
    async with httpx.AsyncClient(base_url=simulator_url, trust_env=False) as client:
        for symbol in islice(list_coins.names(), listings):
            if stop.is_set():
                return
            await list_coins.list_coin(client, symbol)
            await pause(SPACING_SECONDS, stop)


async def _until_traded(runtime: Runtime, listings: int) -> None:
    """Wait until all are traded and seen a second time, until a timeout, or until the stop."""
    loop, stop = asyncio.get_running_loop(), runtime.stop
    deadline = loop.time() + SECONDS_FIRST + SECONDS_EACH * listings
    while not stop.is_set() and (await _count(runtime.database))["traded"] < listings and loop.time() < deadline:
        await pause(POLL_SECONDS, stop)
    deadline = loop.time() + SECOND_SIGHTING_SECONDS
    while not stop.is_set() and _duplicates(runtime) < listings and loop.time() < deadline:
        await pause(POLL_SECONDS, stop)


async def _report(runtime: Runtime, listings: int) -> Report:
    async with runtime.database.connection() as connection:
        times = [journey(row["stages"], row["stored_at"]) for row in await connection.fetch(TIMES)]
    return Report(
        wanted=listings,
        duplicates_dropped=_duplicates(runtime),
        stages=summarise(times),
        **await _count(runtime.database),
    )


async def _count(database: Database) -> dict[str, int]:
    async with database.connection() as connection:
        row = await connection.fetchrow(COUNT)
    return dict(row) if row else {}


def _duplicates(runtime: Runtime) -> int:
    return sum(
        int(sample.value)
        for metric in runtime.telemetry.registry.collect()
        for sample in metric.samples
        if sample.name == "sniper_dedup_duplicates_total"
    )


def journey(stages: Mapping[str, str], stored_at: datetime) -> Sequence[datetime]:
    """Return the times of a trade's stages, without the wait for an announced opening."""
    names = ("observed_at", "published_at", "deduplicated_at", "decided_at", "answered_at")
    observed_at, published_at, deduplicated_at, *later = (datetime.fromisoformat(stages[name]) for name in names)
    due_at = datetime.fromisoformat(stages["due_at"]) if stages.get("due_at") else deduplicated_at
    waited = max(due_at - deduplicated_at, timedelta(0))
    decided_at, answered_at, stored_at = (max(each, due_at) - waited for each in (*later, stored_at))
    return [observed_at, published_at, deduplicated_at, decided_at, answered_at, stored_at]


def summarise(journeys: Sequence[Sequence[datetime]]) -> Mapping[str, Mapping[str, float]]:
    """Return the p50 and p99, in milliseconds, of each stage; nothing for no journeys."""
    if not journeys:
        return {}
    steps = [[(later - earlier).total_seconds() * 1000 for earlier, later in pairwise(one)] for one in journeys]
    return {
        stage: {"p50_ms": round(statistics.median(step), 3), "p99_ms": round(percentile_99(step), 3)}
        for stage, step in zip(STAGES, zip(*steps, strict=True), strict=True)
    }


def percentile_99(values: Sequence[float]) -> float:
    """Return the nearest-rank 99th percentile: a value that occurred."""
    return sorted(values)[-(-99 * len(values) // 100) - 1]


def table(report: Report) -> Table:
    """Return the latencies of the stages as a table."""
    shown = Table(title=f"{report.traded} of {report.wanted} listings traded", title_justify="left")
    shown.add_column("stage")
    shown.add_column("p50 ms", justify="right")
    shown.add_column("p99 ms", justify="right")
    for stage, figures in report.stages.items():
        shown.add_row(MEANING[stage], f"{figures['p50_ms']:.2f}", f"{figures['p99_ms']:.2f}")
    return shown
