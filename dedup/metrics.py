"""Metrics of dedup."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

LEAD_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
LAG_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


class Metrics:
    """Sightings by result and source, and leads of sources over each other."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, text: str) -> Counter:
            return Counter(f"sniper_dedup_{name}_total", text, ["source"], registry=registry)

        self.listings = counter("listings", "Sightings that became a listing.")
        self.duplicates = counter("duplicates", "Sightings of a listing already known.")
        self.rescheduled = counter("rescheduled", "Sightings that moved an opening time.")
        self.earlier = counter("earlier", "Duplicates observed before the sighting that became the listing.")
        self.republished = counter("republished", "Listings published again, since it was not certain that they were.")
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
