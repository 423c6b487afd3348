"""Clock skew between this machine and those that see listings, measured by sightings."""

from collections import deque
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Gauge

from shared.events import RawListing, Source

SIGHTINGS: Final = 5
"""Delays make a sighting look older than it is, so the latest few are compared."""


class ClockSkew:
    def __init__(self, seconds_max: float, registry: CollectorRegistry) -> None:
        self._seconds_max = seconds_max
        self._ahead: deque[float] = deque(maxlen=SIGHTINGS)
        gauge = Gauge(
            "sniper_dedup_clock_skew_seconds",
            "How far the clock that stamps sightings is ahead of ours, at least; 0 where it is not",
            registry=registry,
        )
        gauge.set_function(self.seconds)

    def note(self, raw: RawListing, now: datetime) -> None:
        """Compare the publication time of *raw* with *now*. An injected one shows nothing about ingest."""
        if raw.source is not Source.TEST_INJECTION:
            self._ahead.append((raw.published_at - now).total_seconds())

    def seconds(self) -> float:
        """Return how far the latest stamps were ahead of our clock. May be called from another thread."""
        return max(0.0, *self._ahead, 0.0)

    def concern(self) -> str:
        """Return a warning while clocks differ, in constant words; empty while they do not."""
        if self.seconds() <= self._seconds_max:
            return ""
        return f"clock: sightings are stamped more than {self._seconds_max:g} s ahead of this machine's clock"
