"""The one commit of the express way: dedup's claim, the executor's order, and the sighting until it is announced."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from dedup import ledger
from dedup.identity import listing_of
from executor.journal.decision_writer import Reservation
from executor.journal.reservation_sql import reserving
from shared.events import Listing, RawListing

_CLAIM: Final = ledger.insertion(":listing_key", ":raw_id", ":claimed::text::jsonb", ":opens_at", ":observed_at")
_UNANNOUNCED: Final = """
    INSERT INTO unannounced_listings (listing_key, raw, due_at)
    SELECT :listing_key, :raw::text::jsonb, now() + interval '1 second'
"""
_CLAIMED: Final = "EXISTS (SELECT FROM listing_claims WHERE listing_key = :listing_key)"

# A claim in between is a duplicate, and fails the whole statement.
CLAIM_AND_RESERVE: Final = reserving(_CLAIM, _UNANNOUNCED, unless=_CLAIMED)


def claimed(raw: RawListing, now: datetime) -> Listing:
    """Return the listing that *raw* makes where it is the first to claim it, as dedup makes it."""
    return listing_of(raw, deduplicated_at=now)


def reservation(raw: RawListing, listing: Listing) -> Reservation:
    """Return the reservation that claims *listing* for *raw*."""
    beside: Mapping[str, object] = {
        "raw_id": raw.id,
        "raw": raw.model_dump_json(),
        "claimed": listing.model_dump_json(),
        "opens_at": listing.opens_at,
        "observed_at": listing.observed_at,
    }
    return Reservation(CLAIM_AND_RESERVE, beside)
