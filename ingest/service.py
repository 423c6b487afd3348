"""Ingest: watch the exchange and publish every new symbol each source sees. Wiring only."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from ingest import baseline
from ingest.catalogue import Catalogue, Rules
from ingest.detector import Detector
from ingest.evidence import Upcoming
from ingest.feeds import Feeds, telling
from ingest.filters import Filters
from ingest.metrics import Metrics
from ingest.outlook import Outlook, Quiet, latest_listing
from ingest.publish import publishing
from ingest.recorder import recording
from ingest.rest_sources import rest_sources
from ingest.settings import IngestSettings
from ingest.source import watch_all
from ingest.stream_sources import stream_sources
from shared.events import utc_now
from shared.health import Component, heartbeat
from shared.lifecycle import when_available
from shared.runtime import Runtime
from shared.settings import ExchangeSettings


async def serve(runtime: Runtime, settings: IngestSettings, exchange: ExchangeSettings) -> None:
    """Watch *exchange* until the runtime's stop event is set."""
    component, feeds = Component("ingest"), Feeds()
    metrics = Metrics(runtime.telemetry.registry, feeds)
    async with (
        heartbeat(component, runtime.bus),
        telling(component, feeds),
        recording(partial(baseline.store, runtime.database), flush_seconds=settings.drain_seconds) as recorder,
        publishing(runtime.bus, metrics, settings.pending_max, drain_seconds=settings.drain_seconds) as publisher,
    ):
        known = await when_available("symbols", partial(baseline.load, runtime.database), runtime.stop)
        filters = Filters(settings.quote_assets, settings.name_pattern)
        # In a thread: nobody else knows the catalogue yet, and thousands of symbols hold the loop for too long.
        catalogue = await asyncio.to_thread(Catalogue, known, _rules(settings), filters)
        latest_at = await asyncio.to_thread(latest_listing, known, otherwise=utc_now())
        quiet = Quiet(timedelta(hours=settings.quiet_hours), latest_at)
        outlook = Outlook(catalogue, quiet, runtime.telemetry.registry)
        feeds.warn(outlook.concerns)

        def upcoming() -> Sequence[Upcoming]:
            return catalogue.upcoming(utc_now())

        streams = stream_sources(exchange, settings, upcoming, feeds, runtime.telemetry.registry)
        async with rest_sources(exchange, settings, upcoming, feeds, metrics, runtime.telemetry.registry) as polls:
            runtime.telemetry.ready_when("ingest", lambda: catalogue.has_baseline and feeds.are_settled())
            report = Detector(catalogue, publisher, recorder, component, outlook).report
            await watch_all((*streams, *polls), report, runtime.stop)


def _rules(settings: IngestSettings) -> Rules:
    return Rules(
        gone_reads=settings.gone_reads,
        gone_after=timedelta(seconds=settings.gone_seconds),
        blind_after=timedelta(seconds=settings.default_symbols_seconds + settings.stall_seconds),
    )
