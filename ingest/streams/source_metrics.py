"""Metrics of the websocket sources."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.mexc.streams.stream_metrics import StreamMetrics

_DECODE_BUCKETS: Final = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.1)


class SourceMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.streams = StreamMetrics(
            frames=Counter("sniper_ingest_frames", "Binary frames received", ["stream"], registry=registry),
            bad_frames=Counter(
                "sniper_ingest_bad_frames", "Frames that could not be read", ["stream"], registry=registry
            ),
            disconnects=Counter(
                "sniper_ingest_websocket_disconnects",
                "Websocket connections that failed or ended unasked",
                ["stream"],
                registry=registry,
            ),
            rotations=Counter(
                "sniper_ingest_websocket_rotations",
                "Websocket connections replaced before the exchange cut them",
                ["stream"],
                registry=registry,
            ),
            refusals=Counter(
                "sniper_ingest_subscription_refusals", "Requests for channels refused", ["stream"], registry=registry
            ),
        )
        self.bad_items = Counter(
            "sniper_ingest_bad_items",
            "Items that could not be read, of ticker frames that were",
            registry=registry,
        )
        self.followed = Gauge(
            "sniper_ingest_followed_symbols", "Symbols awaited, each with streams of its own", registry=registry
        )
        self.decode_seconds = Histogram(
            "sniper_ingest_decode_seconds",
            "Parsing one ticker frame, and taking a slice of names out of it: what holds the event loop at a stretch",
            ["step"],
            buckets=_DECODE_BUCKETS,
            registry=registry,
        )
