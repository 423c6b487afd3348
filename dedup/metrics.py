"""What dedup counts."""

from prometheus_client import CollectorRegistry, Counter


class Metrics:
    """Sightings by what became of them, each labelled with its source."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def counter(name: str, meaning: str) -> Counter:
            return Counter(name, meaning, ["source"], registry=registry)

        self.listings = counter("sniper_dedup_listings_total", "Sightings that became a listing.")
        self.duplicates = counter("sniper_dedup_duplicates_total", "Sightings of a listing already known.")
        self.republished = counter(
            "sniper_dedup_republished_total", "Listings published again, since it was not certain that they were."
        )
