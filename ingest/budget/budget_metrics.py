"""Metrics of the REST budget."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge


class BudgetMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.weight = Counter("sniper_ingest_rest_weight", "Weight of the REST requests sent", registry=registry)
        self.weight_used = Gauge(
            "sniper_ingest_rest_weight_used", "Weight that counts against the limit", registry=registry
        )
        self.weight_left = Gauge("sniper_ingest_rest_weight_left", "Weight that may still be spent", registry=registry)
        self.waiting = Gauge("sniper_ingest_rest_waiting", "REST requests that wait for the limits", registry=registry)
        self._refusals = Counter(
            "sniper_ingest_rest_refusals",
            "Requests the exchange refused as too many: 429, or 418 with a ban",
            ["status"],
            registry=registry,
        )
        self._closed_until = Gauge(
            "sniper_ingest_rest_closed_until_timestamp_seconds",
            "When REST may be asked again after the latest refusal",
            registry=registry,
        )

    def closed(self, until: datetime, *, banned: bool) -> None:
        """Count a refusal; no requests are sent *until* then."""
        self._refusals.labels("418" if banned else "429").inc()
        self.closed_until(until)

    def closed_until(self, until: datetime) -> None:
        """Show that no requests are sent *until* then."""
        self._closed_until.set(until.timestamp())
