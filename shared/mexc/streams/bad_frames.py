"""Unreadable frames: counted, and sampled in the log."""

import time
from collections.abc import Callable
from typing import Final

import structlog

from shared.mexc.streams.control_frame import FrameError
from shared.mexc.streams.stream_metrics import StreamMetrics

log = structlog.get_logger(__name__)

SAMPLE_BYTES: Final = 64
SAMPLE_SECONDS: Final = 60.0
"""Interval of samples: a warning for every bad frame would flood the log."""


class BadFrames:
    """Unreadable frames of one stream, over all of its connections."""

    def __init__(self, stream: str, metrics: StreamMetrics, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._counter = metrics.bad_frames.labels(stream)
        self._now = now
        self._sample_at = float("-inf")
        self._unlogged = 0

    def drop(self, frame: bytes | str, error: FrameError) -> None:
        """Count *frame*; log its beginning unless another was logged within the last minute."""
        self._counter.inc()
        self._unlogged += 1
        if self._now() < self._sample_at:
            return
        sample = frame[:SAMPLE_BYTES].hex() if isinstance(frame, bytes) else repr(frame[:SAMPLE_BYTES])
        log.warning(
            "frame dropped",
            stream=self._stream,
            reason=str(error)[:200],
            size=len(frame),
            begins_with=sample,
            dropped_since_last_told=self._unlogged,
        )
        self._sample_at = self._now() + SAMPLE_SECONDS
        self._unlogged = 0
