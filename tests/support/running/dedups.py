"""Dedup as one process runs it, without a broker."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from dedup.handler import Deduplicate
from dedup.ledger import ClaimCache, Ledger
from dedup.metrics import ClockSkew, Metrics
from dedup.observations import Observation, Observations
from shared.errors import PermanentError
from shared.events import Listing, RawListing, Source
from shared.postgres.database import Database
from tests.support.data.builders import NOON


class KilledError(Exception):
    """The process ended in the middle of its work."""


class DedupProcess:
    """One with a memory and counters of its own; its clock stands at noon."""

    dies_observing = False
    """Whether it is killed once its claims and opening times are committed, and its next observation is not."""

    refuses_observations = False
    """Whether the database refuses what is to be kept of other sightings."""

    def __init__(self, database: Database, *, keys_max: int = 1000) -> None:
        self.registry = CollectorRegistry()
        metrics = Metrics(self.registry)
        self.observations = Observations(database, metrics)

        async def observe(observation: Observation) -> None:
            if self.dies_observing:
                raise KilledError
            if self.refuses_observations:
                raise PermanentError("database: refused")
            await self.observations.write([observation])

        self.skew = ClockSkew(2.0, self.registry)
        self._deduplicate = Deduplicate(
            Ledger(database), ClaimCache(keys_max), observe, metrics, self.skew, now=lambda: NOON
        )

    async def __call__(self, raw: RawListing) -> Sequence[Listing]:
        return await self._deduplicate(raw)

    def count(self, what: str, source: Source = Source.MEXC_WEBSOCKET) -> float | None:
        return self.registry.get_sample_value(f"sniper_dedup_{what}_total", {"source": source})

    def lead(self, what: str, first: Source, second: Source) -> float | None:
        """The `sum` or the `count` of how long *first* saw listings before *second*."""
        labels: dict[str, str] = {"first": first, "second": second}
        return self.registry.get_sample_value(f"sniper_dedup_lead_seconds_{what}", labels)
