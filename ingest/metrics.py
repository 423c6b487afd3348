"""Metrics of ingest."""

from collections.abc import Iterator
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from ingest.health.feed_health import FeedHealth

_PUBLISH_BUCKETS: Final = (0.001, 0.002, 0.003, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30)


class Metrics:
    def __init__(self, registry: CollectorRegistry, feeds: FeedHealth) -> None:
        self.rest_errors = Counter(
            "sniper_ingest_rest_errors",
            "REST requests without a usable answer",
            ["endpoint", "error"],
            registry=registry,
        )
        self.unpublishable = Counter(
            "sniper_ingest_unpublishable", "New symbols that the event contract has no place for", registry=registry
        )
        self.raw_events = Counter(
            "sniper_ingest_raw_events",
            "Listings seen, by source and result: published, published late, or buried as unpublishable",
            ["source", "result"],
            registry=registry,
        )
        self.publish_retries = Counter(
            "sniper_ingest_publish_retries", "Raw events published again because the broker was away", registry=registry
        )
        self.announced_at = Gauge(
            "sniper_ingest_listing_announced_at_seconds",
            "When the exchange posted its newest announcement of a listing; 0 for not heard of",
            registry=registry,
        )
        self.publish_seconds = Histogram(
            "sniper_ingest_publish_seconds",
            "From the arrival of what showed a symbol to the broker's confirmation of its raw event",
            ["source"],
            buckets=_PUBLISH_BUCKETS,
            registry=registry,
        )
        registry.register(_DataAge(feeds))


class _DataAge(Collector):
    """Reads the feeds at each scrape, since sources add theirs when they start."""

    def __init__(self, feeds: FeedHealth) -> None:
        self._feeds = feeds

    def collect(self) -> Iterator[Metric]:
        age = GaugeMetricFamily(
            "sniper_ingest_data_age_seconds",
            "Age of the newest usable data; NaN while this process is paused or stands by",
            labels=["feed"],
        )
        for name, seconds in self._feeds.ages_seconds():
            age.add_metric([name], seconds)
        yield age
