"""Upcoming openings: coins announced or listed that do not trade yet."""

from datetime import datetime
from typing import Final

from api.reading import health
from api.reading.reader import Reader, Row
from api.schemas import Upcoming, UpcomingListing
from shared.events import utc_now

ROWS_MAX: Final = 200
# Symbols known to ingest, and listings claimed by dedup, injected ones included. A passed opening is shown for a
# while, in case it did not take place; a symbol without one for a week.
UPCOMING: Final = """
    WITH waiting AS (
        SELECT symbol || ':' || occurrence AS listing_key, symbol, state, quote_asset, opens_at, opens_moved_from,
            first_seen_at
        FROM symbols
        WHERE state IN ('announced', 'listed')
            AND coalesce(opens_at, first_seen_at + interval '7 days') > now() - interval '10 minutes'
    ), claimed AS (
        SELECT listing_key, listing ->> 'symbol' AS symbol, listing ->> 'quote_asset' AS quote_asset, opens_at,
            CASE WHEN opens_raw_id IS NOT NULL THEN (listing ->> 'opens_at')::timestamptz END AS moved_from, claimed_at
        FROM listing_claims WHERE opens_at > now() - interval '10 minutes'
    )
    SELECT
        listing_key,
        coalesce(claimed.symbol, waiting.symbol) AS symbol,
        coalesce(claimed.quote_asset, waiting.quote_asset) AS quote_asset,
        CASE WHEN claimed.listing_key IS NULL THEN waiting.state ELSE 'listed' END AS state,
        coalesce(claimed.opens_at, waiting.opens_at) AS opens_at,
        coalesce(claimed.moved_from, waiting.opens_moved_from) AS moved_from,
        coalesce(waiting.first_seen_at, claimed.claimed_at) AS first_seen_at,
        ARRAY(
            SELECT mode FROM orders
            WHERE orders.listing_key = coalesce(claimed.listing_key, waiting.listing_key)
                AND side = 'BUY' AND orders.state = 'armed'
            ORDER BY mode
        ) AS waited_for
    FROM waiting FULL JOIN claimed USING (listing_key)
    ORDER BY opens_at NULLS LAST, symbol LIMIT $1
"""


async def read(reader: Reader) -> Upcoming:
    """Return the upcoming openings; raises TransientError."""
    rows, now = await reader.fetch(UPCOMING, ROWS_MAX), utc_now()
    components = [health.component_of(row, now) for row in await reader.fetch(health.COMPONENTS)]
    exchange_now = health.exchange_now(components, now)
    return Upcoming(now=now, exchange_now=exchange_now, items=[item_of(row, exchange_now or now) for row in rows])


def item_of(row: Row, now: datetime) -> UpcomingListing:
    """Return the answer of one row, with its countdown from *now*."""
    opens_at = row["opens_at"]
    seconds_left = None if opens_at is None else round((opens_at - now).total_seconds(), 3)
    moved_from = row["moved_from"] if row["moved_from"] != opens_at else None
    return UpcomingListing.model_validate({**row, "seconds_left": seconds_left, "moved_from": moved_from})
