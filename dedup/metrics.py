"""Metrics of dedup, and the clock skew that sightings show."""

from collections import deque
from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from shared.events import RawListing, Source

LEAD_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
LAG_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
SIGHTINGS: Final = 5
"""Delays make a sighting look older than it is, so the latest few are compared."""


class Metrics:
    """Sightings by result and source, and leads of sources over each other."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.listings = Counter(
            "sniper_dedup_listings_total", "Sightings that became a listing.", ["source"], registry=registry
        )
        self.duplicates = Counter(
            "sniper_dedup_duplicates_total", "Sightings of a listing already known.", ["source"], registry=registry
        )
        self.rescheduled = Counter(
            "sniper_dedup_rescheduled_total", "Sightings that moved an opening time.", ["source"], registry=registry
        )
        self.earlier = Counter(
            "sniper_dedup_earlier_total",
            "Duplicates observed before the listing's sighting.",
            ["source"],
            registry=registry,
        )
        self.republished = Counter(
            "sniper_dedup_republished_total", "Listings published again, to be certain.", ["source"], registry=registry
        )
        self._register_times(registry)

    def _register_times(self, registry: CollectorRegistry) -> None:
        self.lag_seconds = Histogram(
            "sniper_dedup_detection_lag_seconds",
            "From the moment at which a source saw a symbol to its sighting being handled.",
            ["source"],
            buckets=LAG_SECONDS,
            registry=registry,
        )
        self.lead_seconds = Histogram(
            "sniper_dedup_lead_seconds",
            "By how much one source saw a listing before another.",
            ["first", "second"],
            buckets=LEAD_SECONDS,
            registry=registry,
        )


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
