"""Persister: the only writer of listings, trades and bot_health. Wiring only."""

import asyncio

from persister.canary import Canaries
from persister.handlers import Writer, records_health, records_listings, records_trades
from persister.metrics import Metrics
from persister.repository import insert_listings, insert_trades, upsert_health
from persister.settings import PersisterSettings
from persister.silent_components import last_report, watch_for_silence
from shared.events import Health, Listing, Trade
from shared.postgres.batch import BatchLimits, batching
from shared.process.heartbeat import Component, heartbeat
from shared.process.runtime import Runtime
from shared.wire.topology import PERSISTER_HEALTH, PERSISTER_LISTINGS, PERSISTER_TRADES, message_handler


async def serve(runtime: Runtime, settings: PersisterSettings) -> None:
    """Store events until the runtime's stop event is set.

    Contexts close in reverse order: consumers first, then their batches, then the shutdown reports.
    """
    bus, database, telemetry, stop = runtime.bus, runtime.database, runtime.telemetry, runtime.stop
    metrics, canaries = Metrics(telemetry.registry), Canaries(telemetry.registry)
    component, limits = Component("persister"), BatchLimits(settings.batch_rows_max, settings.window_seconds)
    component.add_fact("troubles", telemetry.troubles.fact)
    telemetry.ready_when("persister", lambda: not stop.is_set())
    async with (
        last_report(component, database),
        heartbeat(component, bus),
        batching("listings", Writer("listings", insert_listings, database, metrics, component), limits) as listings,
        batching("trades", Writer("trades", insert_trades, database, metrics, component), limits) as trades,
        batching("bot_health", Writer("bot_health", upsert_health, database, metrics, component), limits) as health,
        asyncio.TaskGroup() as tasks,
    ):
        for queue, handler in (
            (PERSISTER_LISTINGS, message_handler(Listing, records_listings(listings, component), canaries=canaries)),
            (PERSISTER_TRADES, message_handler(Trade, records_trades(trades, component))),
            (PERSISTER_HEALTH, message_handler(Health, records_health(health))),
        ):
            tasks.create_task(bus.consume(queue, handler, until=stop), name=queue.name)
        tasks.create_task(watch_for_silence(database, stop), name="silence watch")
