"""Executor: buy what dedup announces. Wiring only; every decision lives elsewhere."""

import asyncio
from collections.abc import Sequence

from executor.abandoned import take_up_abandoned
from executor.credentials import credentials
from executor.dry_run import open_dry_run
from executor.exposure_watch import watch_exposure
from executor.handler import MODE, BuyListing
from executor.journal import Journal
from executor.metrics import ExecutorMetrics
from executor.settings import ExecutorSettings
from shared.bus.typed import receives
from shared.errors import SettingsError
from shared.events import Listing, Trade, utc_now
from shared.health import Component, heartbeat
from shared.runtime import Runtime
from shared.settings import ExchangeSettings
from shared.topology import EXECUTOR_LISTINGS


async def serve(runtime: Runtime, settings: ExecutorSettings, exchange: ExchangeSettings) -> None:
    """Trade listings on paper until the runtime's stop event is set; raise SettingsError when asked to trade live."""
    if exchange.live:
        raise SettingsError("SNIPER_LIVE: this version trades dry-run only")
    keys = credentials(exchange)
    component, metrics = Component("executor"), ExecutorMetrics(runtime.telemetry.registry)
    journal = Journal(runtime.database, settings, now=utc_now)
    async with (
        asyncio.TaskGroup() as tasks,
        open_dry_run(exchange.mexc_rest_url, keys, settings, runtime.telemetry) as placing,
        heartbeat(component, runtime.bus),
    ):
        buy = BuyListing(journal, placing, metrics)

        async def handle(listing: Listing) -> Sequence[Trade]:
            component.saw_event(utc_now())
            return await buy(listing)

        beside = (
            tasks.create_task(watch_exposure(journal, metrics), name="exposure"),
            tasks.create_task(take_up_abandoned(journal, runtime.bus, MODE), name="abandoned orders"),
        )
        await runtime.bus.consume(EXECUTOR_LISTINGS, receives(Listing, handle), until=runtime.stop)
        for task in beside:
            task.cancel()
