"""What dedup counts."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

LEAD_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """Sightings by what became of them, each labelled with its source; and which source sees listings first."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, meaning: str) -> Counter:
            return Counter(name, meaning, ["source"], registry=registry)

        self.listings = counter("sniper_dedup_listings_total", "Sightings that became a listing.")
        self.duplicates = counter("sniper_dedup_duplicates_total", "Sightings of a listing already known.")
        self.rescheduled = counter("sniper_dedup_rescheduled_total", "Sightings that moved an opening time.")
        self.earlier = counter(
            "sniper_dedup_earlier_total", "Duplicates observed before the sighting that became the listing."
        )
        self.republished = counter(
            "sniper_dedup_republished_total", "Listings published again, since it was not certain that they were."
        )
        self.lead_seconds = Histogram(
            "sniper_dedup_lead_seconds",
            "By how much one source saw a listing before another.",
            ["first", "second"],
            buckets=LEAD_SECONDS,
            registry=registry,
        )
