"""Ingest: watch the exchange and publish every new symbol each source sees. Wiring only."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from ingest.catalogue import Catalogue, Thresholds
from ingest.detector import Detector
from ingest.filters import Filters
from ingest.health.anomalies import AnomalyMonitor, ListingDrought, latest_listing
from ingest.health.feed_health import FeedHealth, reporting_health
from ingest.lease import hold_lease
from ingest.metrics import Metrics
from ingest.output import symbol_store
from ingest.output.canary_sender import sending_canaries
from ingest.output.late_hold import LATE_HOLD_SECONDS
from ingest.output.publisher import Ahead, Publisher, no_head_start, publishing
from ingest.output.symbol_recorder import SymbolRecorder, recording
from ingest.output.unplaced_store import UnplacedStore
from ingest.output.unplaced_symbols import UnplacedSymbols, tracking_unplaced
from ingest.pauses import Pauses
from ingest.polling.rest_sources import budget_of, rest_sources
from ingest.settings import IngestSettings
from ingest.sighting_time import ExchangeTime, SkewWatch, UpcomingOpenings
from ingest.streams.stream_sources import stream_sources
from shared.control.exchange_identity import require_exchange
from shared.postgres.stored_rate_usage import persisted_usage
from shared.process.heartbeat import Component, heartbeat
from shared.process.lifecycle import when_available
from shared.process.runtime import Runtime
from shared.settings import ExchangeSettings


@dataclass(frozen=True, slots=True)
class _Parts:
    """Parts of the service that detection uses."""

    component: Component
    feeds: FeedHealth
    time: ExchangeTime
    metrics: Metrics
    pauses: Pauses
    publisher: Publisher
    recorder: SymbolRecorder
    unplaced: UnplacedSymbols


async def serve(
    runtime: Runtime,
    settings: IngestSettings,
    exchange: ExchangeSettings,
    *,
    ahead: Ahead = no_head_start,
    alone: bool = True,
) -> None:
    """Watch *exchange* until the runtime's stop event is set; *ahead* gets each sighting as it is published.

    Unless *alone*, it watches beside the holder of the lease, and not only once it holds that itself.
    """
    await when_available("exchange", partial(require_exchange, runtime.database, exchange.mexc_rest_url), runtime.stop)
    component, feeds, time = Component("ingest"), FeedHealth(), ExchangeTime()
    metrics = Metrics(runtime.telemetry.registry, feeds)
    component.add_fact("troubles", runtime.telemetry.troubles.fact)
    component.add_fact("feeds", feeds.facts)
    component.add_fact("exchange_ahead_ms", time.exchange_ahead_ms)
    async with (
        hold_lease(runtime.database, component, alone=alone) as lease,
        heartbeat(component, runtime.bus),
        reporting_health(component, feeds),
        sending_canaries(
            runtime.bus,
            runtime.telemetry.registry,
            every_seconds=settings.canary_seconds,
            # Also during pauses: a pause is no failure, and must not alert.
            watches=lambda: lease.is_held,
        ),
        recording(partial(symbol_store.store, runtime.database), flush_seconds=settings.drain_seconds) as recorder,
        tracking_unplaced(UnplacedStore(runtime.database)) as unplaced,
        publishing(
            runtime.bus,
            metrics,
            settings.pending_max,
            drain_seconds=settings.drain_seconds,
            now=time,
            unplaced=unplaced,
        ) as publisher,
    ):
        publisher.ahead = ahead
        publisher.late_hold_seconds = 0.0 if alone else LATE_HOLD_SECONDS
        pauses = Pauses(runtime.database, lease, runtime.stop, alone=alone)
        await when_available("pauses", pauses.refresh, runtime.stop)
        feeds.suspend_while(pauses)
        parts = _Parts(component, feeds, time, metrics, pauses, publisher, recorder, unplaced)
        await _detect(runtime, settings, exchange, parts)


async def _detect(runtime: Runtime, settings: IngestSettings, exchange: ExchangeSettings, parts: _Parts) -> None:
    feeds, time, registry = parts.feeds, parts.time, runtime.telemetry.registry
    load_records = partial(symbol_store.load, runtime.database)
    records = await when_available("symbols", load_records, runtime.stop)
    await when_available("unplaced symbols", parts.unplaced.load, runtime.stop)
    filters = Filters(settings.quote_assets, settings.name_pattern)
    # In a thread, before the catalogue is shared: thousands of symbols would block the event loop for too long.
    catalogue = await asyncio.to_thread(Catalogue, records, Thresholds.of(settings), filters)
    latest_at = await asyncio.to_thread(latest_listing, records, otherwise=time())
    drought = ListingDrought(timedelta(hours=settings.quiet_hours), latest_at, time)
    anomalies = AnomalyMonitor(catalogue, drought, registry, suspended=parts.pauses)
    for warning in (
        anomalies.warnings,
        parts.unplaced.warning,
        SkewWatch(time, settings.clock_skew_seconds_max, registry),
    ):
        feeds.add_warning(warning)
    openings = UpcomingOpenings(lambda: catalogue.upcoming(time()), time)
    streams = stream_sources(exchange, settings, openings, feeds, registry)
    budget = budget_of(settings, registry)
    async with (
        persisted_usage(runtime.database, "ingest", budget),
        runtime.refusals.shared(budget),
        rest_sources(exchange, settings, openings, feeds, parts.metrics, budget) as polls,
    ):
        runtime.telemetry.ready_when(
            "ingest", lambda: parts.pauses.is_paused or (catalogue.has_baseline and feeds.are_known())
        )

        async def suspend() -> None:
            """Drain as at a shutdown; what is not published by then is published late."""
            await parts.publisher.drain(settings.drain_seconds)
            await when_available("symbols", parts.recorder.flush, runtime.stop)

        async def resume() -> None:
            """Start over as after a restart."""
            feeds.restart()
            records = await when_available("symbols", load_records, runtime.stop)
            drought.listed(await asyncio.to_thread(latest_listing, records, otherwise=latest_at))
            await asyncio.to_thread(catalogue.reset, records)
            feeds.restart()

        detector = Detector(catalogue, parts.publisher, parts.recorder, parts.component, anomalies)
        await parts.pauses.watch((*streams, *polls), detector.report, suspend=suspend, resume=resume)
