"""`sniper demo`: a bounded `sniper up` that counts listings and trades and times each stage."""

import asyncio
import tempfile
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Final

from api.operator import trade_config
from cli import process
from cli.composing import demo_report, list_coins, simulator_process
from cli.composing.demo_report import DemoReport
from cli.composing.services import Serve, prepare
from cli.composing.up import run_services
from executor.service import serve as serve_executor
from executor.settings import ExecutorSettings
from shared.errors import SniperError, pause
from shared.process.runtime import Runtime
from shared.settings import BrokerSettings, DatabaseSettings, DataSettings, ExchangeSettings, TelemetrySettings, load
from simulator.settings import SimulatorSettings

PLAN: Final = process.ProcessPlan("demo", services=("persister", "dedup", "executor", "ingest"), migrate=True)
SECONDS_FIRST: Final = 15.0
SECONDS_EACH: Final = 1.0
SECOND_SIGHTING_SECONDS: Final = 6.0
POLL_SECONDS: Final = 0.05
DOLLARS_EACH: Final = Decimal(100)
SPACING_SECONDS: Final = 0.2
AT_ONCE_MAX: Final = 50


async def demo(listings: int, stop: asyncio.Event) -> DemoReport:
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


async def _follow(runtime: Runtime, chosen: Mapping[str, Serve], venue: ExchangeSettings, listings: int) -> DemoReport:
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
            await list_coins.list_new(venue.mexc_rest_url, listings, SPACING_SECONDS, stop=runtime.stop)
            await _until_traded(runtime, listings)
            return await demo_report.read(runtime, listings)
        finally:
            runtime.stop.set()
            await asyncio.wait([services])


async def _until_traded(runtime: Runtime, listings: int) -> None:
    """Wait until all are traded and seen a second time, until a timeout, or until the stop."""
    loop, stop = asyncio.get_running_loop(), runtime.stop
    deadline = loop.time() + SECONDS_FIRST + SECONDS_EACH * listings
    while (
        not stop.is_set()
        and (await demo_report.count(runtime.database))["traded"] < listings
        and loop.time() < deadline
    ):
        await pause(POLL_SECONDS, stop)
    deadline = loop.time() + SECOND_SIGHTING_SECONDS
    while not stop.is_set() and demo_report.duplicates(runtime) < listings and loop.time() < deadline:
        await pause(POLL_SECONDS, stop)
