"""Metrics of websockets, by stream; each service names its own."""

from dataclasses import dataclass

from prometheus_client import Counter


@dataclass(frozen=True, slots=True)
class StreamMetrics:
    """Counters with the label `stream`."""

    frames: Counter
    bad_frames: Counter
    disconnects: Counter
    rotations: Counter
    refusals: Counter
