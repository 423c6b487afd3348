"""Metrics of the express way."""

from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter


class Outcome(StrEnum):
    """The end of a sighting on the express way. Whatever was not bought goes the normal way."""

    BOUGHT = "bought"
    WAITS = "waits"
    """It opens later."""
    REFUSED = "refused"
    OVERTAKEN = "overtaken"
    """Claimed by another, or the limits moved since the last reading."""
    REPEATED = "repeated"
    """Another sighting of the listing took this way already."""
    UNREAD = "unread"
    """No reading of the limits in this mode."""
    CLOSED = "closed"
    """Purchases may not begin yet, or no more."""
    INVALID = "invalid"
    UNCERTAIN = "uncertain"
    """The database was away: what was committed shows on the normal way."""
    FAILED = "failed"


class ExpressMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._sightings = Counter(
            "sniper_express_sightings_total",
            "Sightings on the express way, by outcome and the reason of a refusal; those not bought go the normal way.",
            ("outcome", "reason"),
            registry=registry,
        )

    def took(self, outcome: Outcome, reason: str = "") -> None:
        """Count one sighting."""
        self._sightings.labels(outcome, reason).inc()
