"""Ingest: watch the exchange and publish every new symbol each source sees. Wiring only."""

import asyncio
from datetime import timedelta
from functools import partial

from ingest.catalogue import Catalogue, Rules
from ingest.detector import Detector
from ingest.filters import Filters
from ingest.health.anomalies import Outlook, Quiet, latest_listing
from ingest.health.feed_health import Feeds, telling
from ingest.lease import leasing
from ingest.metrics import Metrics
from ingest.output import symbol_store
from ingest.output.canary_sender import sending_canaries
from ingest.output.publisher import publishing
from ingest.output.symbol_recorder import recording
from ingest.output.unplaced_store import UnplacedRecords
from ingest.output.unplaced_symbols import remembering
from ingest.pauses import Pauses
from ingest.polling.rest_sources import budget_of, rest_sources
from ingest.settings import IngestSettings
from ingest.sighting_time import ExchangeTime, SkewWatch
from ingest.streams.stream_sources import stream_sources
from ingest.upcoming_openings import Horizon
from shared.postgres.rate_usage import remembered
from shared.process.health import Component, heartbeat
from shared.process.lifecycle import when_available
from shared.process.runtime import Runtime
from shared.settings import ExchangeSettings


async def serve(runtime: Runtime, settings: IngestSettings, exchange: ExchangeSettings) -> None:
    """Watch *exchange* until the runtime's stop event is set."""
    component, feeds, time = Component("ingest"), Feeds(), ExchangeTime()
    metrics = Metrics(runtime.telemetry.registry, feeds)
    component.shows("troubles", runtime.telemetry.troubles.fact)
    component.shows("feeds", feeds.facts)
    component.shows("exchange_ahead_ms", time.exchange_ahead_ms)
    async with (
        leasing(runtime.database, component) as lease,
        heartbeat(component, runtime.bus),
        telling(component, feeds),
        sending_canaries(
            runtime.bus,
            runtime.telemetry.registry,
            every_seconds=settings.canary_seconds,
            # Paused or not: a pause is no failure, and pages nobody.
            watches=lambda: lease.is_held,
        ),
        recording(partial(symbol_store.store, runtime.database), flush_seconds=settings.drain_seconds) as recorder,
        remembering(UnplacedRecords(runtime.database)) as unplaced,
        publishing(
            runtime.bus,
            metrics,
            settings.pending_max,
            drain_seconds=settings.drain_seconds,
            now=time,
            unplaced=unplaced,
        ) as publisher,
    ):
        pauses = Pauses(runtime.database, lease, runtime.stop)
        await when_available("pauses", pauses.look, runtime.stop)
        feeds.rest_while(pauses)
        known = await when_available("symbols", partial(symbol_store.load, runtime.database), runtime.stop)
        await when_available("unplaced symbols", unplaced.load, runtime.stop)
        filters = Filters(settings.quote_assets, settings.name_pattern)
        # In a thread: nobody else knows the catalogue yet, and thousands of symbols hold the loop for too long.
        catalogue = await asyncio.to_thread(Catalogue, known, _rules(settings), filters)
        latest_at = await asyncio.to_thread(latest_listing, known, otherwise=time())
        quiet = Quiet(timedelta(hours=settings.quiet_hours), latest_at, time)
        outlook = Outlook(catalogue, quiet, runtime.telemetry.registry, rests=pauses)
        feeds.warn(outlook.concerns)
        feeds.warn(unplaced.concern)
        feeds.warn(SkewWatch(time, settings.clock_skew_seconds_max, runtime.telemetry.registry))
        horizon = Horizon(lambda: catalogue.upcoming(time()), time)
        streams = stream_sources(exchange, settings, horizon, feeds, runtime.telemetry.registry)
        budget = budget_of(settings, runtime.telemetry.registry)
        async with (
            remembered(runtime.database, "ingest", budget),
            rest_sources(exchange, settings, horizon, feeds, metrics, budget) as polls,
        ):
            runtime.telemetry.ready_when(
                "ingest", lambda: pauses.is_paused or (catalogue.has_baseline and feeds.are_settled())
            )

            async def rest() -> None:
                """End as a process does: what is not published by then is published late."""
                await publisher.drain(settings.drain_seconds)
                await when_available("symbols", recorder.flush, runtime.stop)

            async def wake() -> None:
                """Begin as a process does."""
                feeds.begin()
                known = await when_available("symbols", partial(symbol_store.load, runtime.database), runtime.stop)
                quiet.saw(await asyncio.to_thread(latest_listing, known, otherwise=latest_at))
                await asyncio.to_thread(catalogue.begin_anew, known)
                feeds.begin()

            report = Detector(catalogue, publisher, recorder, component, outlook).report
            await pauses.watch((*streams, *polls), report, rest=rest, wake=wake)


def _rules(settings: IngestSettings) -> Rules:
    return Rules(
        gone_reads=settings.gone_reads,
        gone_after=timedelta(seconds=settings.gone_seconds),
        blind_after=timedelta(seconds=settings.default_symbols_seconds + settings.stall_seconds),
    )
