"""Observations: further sightings of each listing, by source and lag."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from asyncpg import Record

from dedup.metrics import Metrics
from shared.events import ListingKey, Source
from shared.postgres.database import Database
from shared.postgres.error_translation import refused_is_permanent

# In one order everywhere, so that two processes with the same sightings do not deadlock.
RECORD: Final = """
    WITH handed AS (
        SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[])
            AS t (listing_key, source, observed_at, raw_id)
    ), written AS (
        INSERT INTO listing_observations (listing_key, source, observed_at, raw_id, lag_ms)
        SELECT
            listing_key, handed.source, handed.observed_at, handed.raw_id,
            round(extract(epoch FROM handed.observed_at - (claimed.listing ->> 'observed_at')::timestamptz) * 1000)
        FROM handed JOIN listing_claims AS claimed USING (listing_key)
        ORDER BY handed.raw_id
        ON CONFLICT DO NOTHING
        RETURNING listing_key, source, lag_ms
    )
    SELECT
        listing_key, claimed.listing ->> 'source' AS first, written.source AS second, lag_ms,
        NOT EXISTS (
            SELECT FROM listing_observations AS before
            WHERE before.listing_key = written.listing_key AND before.source = written.source
        ) AS is_news
    FROM written JOIN listing_claims AS claimed USING (listing_key)
    ORDER BY lag_ms
"""


@dataclass(frozen=True, slots=True)
class Observation:
    """Further sighting of a known listing."""

    key: ListingKey
    source: Source
    observed_at: datetime
    raw_id: str


@dataclass(frozen=True, slots=True)
class Lead:
    """Lead of one source over another on a listing."""

    first: str
    second: str
    by: timedelta


class Observations:
    """Stores batches of observations, each once, and measures the new ones."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics

    async def write(self, rows: Sequence[Observation]) -> None:
        """Raise TransientError when it is not certain that *rows* are committed, PermanentError when they cannot be."""
        columns = zip(*((row.key, row.source, row.observed_at, row.raw_id) for row in rows), strict=True)
        with refused_is_permanent():
            async with self._database.connection() as connection:
                written = await connection.fetch(RECORD, *columns)
        for row in written:
            if row["lag_ms"] < 0:
                self._metrics.earlier.labels(row["second"]).inc()
        for lead in leads(written):
            self._metrics.lead_seconds.labels(lead.first, lead.second).observe(lead.by.total_seconds())


def leads(written: Iterable[Record]) -> Sequence[Lead]:
    """Return the leads in one batch, once per listing and pair of sources, by the sources' clocks."""
    closest: dict[tuple[str, str], Lead] = {}
    for row in written:
        if row["is_news"] and row["first"] != row["second"]:
            closest.setdefault((row["listing_key"], row["second"]), _lead(row))
    return tuple(closest.values())


def _lead(row: Record) -> Lead:
    lag = timedelta(milliseconds=row["lag_ms"])
    if lag < timedelta(0):
        return Lead(row["second"], row["first"], -lag)
    return Lead(row["first"], row["second"], lag)
