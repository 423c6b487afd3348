"""Ingest: watch the exchange and publish every new symbol each source sees. Wiring only."""

from functools import partial

from ingest import baseline
from ingest.catalogue import Catalogue
from ingest.detector import Detector
from ingest.feeds import Feed, Feeds, telling
from ingest.metrics import Metrics
from ingest.publish import publishing
from ingest.recorder import recording
from ingest.rest import PollSeconds, RestPolls
from ingest.settings import IngestSettings
from ingest.source import watch_all
from ingest.websocket import StreamOptions, TickerStream
from shared.health import Component, heartbeat
from shared.lifecycle import when_available
from shared.mexc.rest import connect_rest
from shared.runtime import Runtime
from shared.settings import ExchangeSettings


async def serve(runtime: Runtime, settings: IngestSettings, exchange: ExchangeSettings) -> None:
    """Watch *exchange* until the runtime's stop event is set."""
    component, feeds = Component("ingest"), Feeds()
    metrics = Metrics(runtime.telemetry.registry, feeds)
    stream = StreamOptions(exchange.mexc_ws_url, settings.websocket_ping_seconds, settings.stall_seconds)
    pace = PollSeconds(settings.default_symbols_seconds, settings.exchange_info_seconds, settings.stall_seconds)
    async with (
        heartbeat(component, runtime.bus),
        telling(component, feeds),
        connect_rest(exchange.mexc_rest_url) as rest,
        recording(partial(baseline.store, runtime.database), flush_seconds=settings.drain_seconds) as recorder,
        publishing(runtime.bus, metrics, settings.pending_max, drain_seconds=settings.drain_seconds) as publisher,
    ):
        known = await when_available("symbols", partial(baseline.load, runtime.database), runtime.stop)
        catalogue = Catalogue(known)
        sources = (
            TickerStream(stream, feeds.add(Feed("websocket", settings.stall_seconds)), metrics),
            RestPolls(rest, pace, feeds, metrics),
        )
        runtime.telemetry.ready_when("ingest", lambda: catalogue.has_baseline and feeds.are_settled())
        await watch_all(sources, Detector(catalogue, publisher, recorder, component).report, runtime.stop)
