"""Arrival of canaries: their latency by stage, and the age of the latest."""

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, Histogram

from shared.bus.port import Message
from shared.events import utc_now
from shared.wire.canary import from_message

STAGE_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


class Canaries:
    """Bus handler that stores nothing."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._latest = utc_now()
        """Sending time of the latest that arrived; at first, the start of this process."""
        age = Gauge(
            "sniper_persister_canary_age_seconds",
            "Since the latest canary that came through was sent; with several persisters, the least counts.",
            registry=registry,
        )
        age.set_function(self.age_seconds)
        self._seconds = Histogram(
            "sniper_persister_canary_stage_seconds",
            "From a canary being sent to dedup, from there to the persister, and the whole way.",
            ["stage"],
            buckets=STAGE_SECONDS,
            registry=registry,
        )

    def age_seconds(self) -> float:
        """Return the age of the latest canary. May be called from another thread."""
        return (utc_now() - self._latest).total_seconds()

    async def __call__(self, message: Message) -> Sequence[Message]:
        """Measure a canary's latency; raise PermanentError where it is unreadable."""
        canary, now = from_message(message), utc_now()
        between = canary.deduplicated_at or canary.sent_at
        for stage, began, ended in (
            ("dedup", canary.sent_at, between),
            ("persister", between, now),
            ("whole", canary.sent_at, now),
        ):
            self._seconds.labels(stage).observe(max(0.0, (ended - began).total_seconds()))
        self._latest = max(self._latest, min(canary.sent_at, now))
        return ()
