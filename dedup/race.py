"""Which source sees listings first, and by how much."""

from collections import OrderedDict
from typing import Final

from prometheus_client import CollectorRegistry, Histogram

from shared.events import Listing, ListingKey, RawListing, Source

RUNNING_MAX: Final = 1_000
BUCKETS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Race:
    """Measures each listing once: from its first sighting to the first of another source."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lead = Histogram(
            "sniper_dedup_lead_seconds",
            "By how much one source saw a listing before another.",
            ["first", "second"],
            buckets=BUCKETS,
            registry=registry,
        )
        self._running: OrderedDict[ListingKey, tuple[Source, float]] = OrderedDict()

    def start(self, first: Listing) -> None:
        """Note who came first; only the latest listings are kept."""
        self._running[first.key] = (first.source, first.observed_at.timestamp())
        if len(self._running) > RUNNING_MAX:
            self._running.popitem(last=False)

    def finish(self, key: ListingKey, second: RawListing) -> None:
        """Measure the lead over *second*, unless it is of the same source or measured already."""
        source, observed_at = self._running.get(key, (second.source, 0.0))
        if source is second.source:
            return
        del self._running[key]
        # The clocks of two machines may disagree about who was first; the ledger decided.
        self._lead.labels(source, second.source).observe(max(0.0, second.observed_at.timestamp() - observed_at))
