"""Statistics of listings: counts by source, and leads between sources."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from api.reading.reader import Reader, Row
from api.reading.statistics.histogram import percentile_ms
from api.reading.statistics.windows import Window
from api.schemas import Lead, ListingStats
from shared.events import utc_now

BY_SOURCE: Final = """
    SELECT source, sum(listings)::bigint AS listings FROM listing_hours WHERE hour >= $1 GROUP BY source ORDER BY source
"""
LEADS: Final = """
    SELECT first_source, source, bucket, sum(sightings)::bigint AS sightings
    FROM sighting_hours WHERE hour >= $1 GROUP BY first_source, source, bucket
"""


async def read(reader: Reader, window: Window) -> ListingStats:
    """Return the statistics of *window*; raises TransientError."""
    now = utc_now()
    since = window.since(now)
    return stats_of(await reader.fetch(BY_SOURCE, since), await reader.fetch(LEADS, since), since, now)


def stats_of(by_source: Sequence[Row], leads: Sequence[Row], since: datetime, until: datetime) -> ListingStats:
    """Summarise rows of listing_hours and sighting_hours."""
    buckets: defaultdict[tuple[str, str], Counter[int]] = defaultdict(Counter)
    for row in leads:
        buckets[row["first_source"], row["source"]][row["bucket"]] += row["sightings"]
    found = [
        Lead(
            first=first,
            other=other,
            times=times.total(),
            p50_ms=percentile_ms(times, 0.5),
            p95_ms=percentile_ms(times, 0.95),
        )
        for (first, other), times in sorted(buckets.items())
    ]
    firsts: Counter[str] = Counter()
    for lead in found:
        firsts[lead.first] += lead.times
    counts = {row["source"]: row["listings"] for row in by_source}
    return ListingStats(
        since=since, until=until, total=sum(counts.values()), by_source=counts, first=dict(firsts), leads=found
    )
