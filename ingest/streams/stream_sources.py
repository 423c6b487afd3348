"""The websocket sources of one exchange, put together. Wiring only."""

from prometheus_client import CollectorRegistry

from ingest.health.feed_health import Feed, FeedHealth
from ingest.settings import IngestSettings
from ingest.source import Source
from ingest.streams.connection import StreamOptions
from ingest.streams.stream_metrics import StreamMetrics
from ingest.streams.ticker_stream import TickerStream
from ingest.streams.trade_stream import TradeStreams
from ingest.upcoming_openings import UpcomingOpenings
from shared.settings import ExchangeSettings


def stream_sources(
    exchange: ExchangeSettings,
    settings: IngestSettings,
    openings: UpcomingOpenings,
    feeds: FeedHealth,
    registry: CollectorRegistry,
) -> tuple[Source, ...]:
    """Return the tickers of all symbols, and the trades of those that are upcoming on the *openings*."""
    metrics = StreamMetrics(registry)
    options = StreamOptions(
        exchange.mexc_ws_url,
        ping_seconds=settings.websocket_ping_seconds,
        stall_seconds=settings.stall_seconds,
        rotate_seconds=settings.websocket_rotate_seconds,
        now=openings.now,
    )
    tickers = feeds.add(Feed("websocket", settings.stall_seconds))
    # Most of the time there is nothing to follow and nothing wrong.
    trades = feeds.add_secondary(Feed("trades", settings.stall_seconds))
    return (
        TickerStream(options, tickers, metrics),
        TradeStreams(options, settings.trade_connections_max, openings.upcoming, trades, metrics),
    )
