"""Metrics of the private stream."""

import math
import time

from prometheus_client import CollectorRegistry, Counter, Gauge

from shared.mexc.streams.stream_metrics import StreamMetrics


class PushMetrics:
    """Registered once per process, where there is a private stream."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._last_at = -math.inf
        self._pushes = Counter(
            "sniper_executor_private_stream_pushes_total",
            "Pushes of the private stream, by kind.",
            ("kind",),
            registry=registry,
        )
        self._hints = Counter(
            "sniper_executor_private_stream_hints_total",
            "Looks at the exchange that a push brought forward.",
            ("kind",),
            registry=registry,
        )
        self._connected = Gauge(
            "sniper_executor_private_stream_connected",
            "1 while every channel of the private stream is granted.",
            registry=registry,
        )
        age = Gauge(
            "sniper_executor_private_stream_age_seconds",
            "Age of the last push; infinite before the first.",
            registry=registry,
        )
        age.set_function(self.age_seconds)
        self.stream = stream_metrics(registry)

    def pushed(self, kind: str) -> None:
        """Count one push."""
        self._pushes.labels(kind).inc()
        self._last_at = time.monotonic()

    def brought_forward(self, kind: str) -> None:
        """Count one look at the exchange because of a push."""
        self._hints.labels(kind).inc()

    def show_connected(self, *, connected: bool) -> None:
        self._connected.set(connected)

    def age_seconds(self) -> float:
        """Return the age of the last push."""
        return time.monotonic() - self._last_at


def stream_metrics(registry: CollectorRegistry) -> StreamMetrics:
    """Register the counters of the private stream's connections."""
    return StreamMetrics(
        frames=Counter(
            "sniper_executor_private_stream_frames", "Binary frames received.", ["stream"], registry=registry
        ),
        bad_frames=Counter(
            "sniper_executor_private_stream_bad_frames",
            "Frames that could not be read.",
            ["stream"],
            registry=registry,
        ),
        disconnects=Counter(
            "sniper_executor_private_stream_disconnects",
            "Connections that failed or ended unasked.",
            ["stream"],
            registry=registry,
        ),
        rotations=Counter(
            "sniper_executor_private_stream_rotations",
            "Connections replaced before the exchange cut them.",
            ["stream"],
            registry=registry,
        ),
        refusals=Counter(
            "sniper_executor_private_stream_refusals",
            "Requests for channels refused.",
            ["stream"],
            registry=registry,
        ),
    )
