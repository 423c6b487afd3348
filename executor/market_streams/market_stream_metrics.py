"""Metrics of the streams of best prices and trades."""

from prometheus_client import CollectorRegistry, Counter

from shared.mexc.streams.stream_metrics import StreamMetrics


class MarketStreamMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.streams = StreamMetrics(
            frames=Counter("sniper_executor_frames", "Binary frames received.", ["stream"], registry=registry),
            bad_frames=Counter(
                "sniper_executor_bad_frames", "Frames that could not be read.", ["stream"], registry=registry
            ),
            disconnects=Counter(
                "sniper_executor_websocket_disconnects",
                "Websocket connections that failed or ended unasked.",
                ["stream"],
                registry=registry,
            ),
            rotations=Counter(
                "sniper_executor_websocket_rotations",
                "Websocket connections replaced before the exchange cut them.",
                ["stream"],
                registry=registry,
            ),
            refusals=Counter(
                "sniper_executor_subscription_refusals", "Requests for channels refused.", ["stream"], registry=registry
            ),
        )
        self._ticks = Counter(
            "sniper_executor_price_ticks",
            "Pushes of prices and trades of coins that are held, by what became of them: taken, or why not.",
            ["result"],
            registry=registry,
        )

    def ticked(self, result: str) -> None:
        """Count one push."""
        self._ticks.labels(result).inc()
