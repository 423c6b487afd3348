"""Websocket sources of the exchange. Wiring only."""

from prometheus_client import CollectorRegistry

from ingest.health.feed_health import Feed, FeedHealth
from ingest.settings import IngestSettings
from ingest.sighting_time import UpcomingOpenings
from ingest.source import Source
from ingest.streams.source_metrics import SourceMetrics
from ingest.streams.ticker_stream import TickerStream
from ingest.streams.trade_stream import TradeStreams
from shared.mexc.streams.connection import StreamOptions
from shared.settings import ExchangeSettings


def stream_sources(
    exchange: ExchangeSettings,
    settings: IngestSettings,
    openings: UpcomingOpenings,
    feeds: FeedHealth,
    registry: CollectorRegistry,
) -> tuple[Source, ...]:
    """Return the sources of all tickers, and of trades of the symbols in *openings*."""
    metrics = SourceMetrics(registry)
    options = StreamOptions(
        exchange.mexc_ws_url,
        ping_seconds=settings.websocket_ping_seconds,
        stall_seconds=settings.stall_seconds,
        rotate_seconds=settings.websocket_rotate_seconds,
        now=openings.time,
    )
    tickers = feeds.add(Feed("websocket", settings.stall_seconds))
    # Mostly there are no channels, and that is no trouble.
    trades = feeds.add_secondary(Feed("trades", settings.stall_seconds))
    return (
        TickerStream(options, tickers, metrics),
        TradeStreams(options, settings.trade_connections_max, openings.upcoming, trades, metrics),
    )
