"""Identity of listings: the key of a sighting, and the events that follow from it."""

from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import ValidationError

from shared.errors import PermanentError
from shared.events import Listing, ListingRescheduled, RawListing, never_after
from shared.mexc.symbols import key_of, normalise
from shared.wire.cloudevents import explain

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def listing_of(raw: RawListing, *, deduplicated_at: datetime) -> Listing:
    """Return the listing that *raw* makes as the first sighting; one that our own ingest saw is no later than now.

    Its id follows from its key, so duplicates are recognised. Raises PermanentError where no valid symbol is left.
    """
    key = key_of(raw)
    described = raw.model_dump() | {
        "id": f"{key}:detected",
        "key": key,
        "symbol": normalise(raw.symbol),
        "base_asset": normalise(raw.base_asset),
        "quote_asset": normalise(raw.quote_asset),
        "listed_at": never_after(deduplicated_at, raw.listed_at, raw.source),
        "deduplicated_at": deduplicated_at,
    }
    try:
        return Listing.model_validate(described)
    except ValidationError as error:
        raise PermanentError(explain(error)) from error


def rescheduled_event(listing: Listing, sighting: Listing) -> ListingRescheduled:
    """Return the event that reschedules *listing* to the opening of *sighting*, which must have one.

    Its id follows from the key and the new opening time.
    """
    if sighting.opens_at is None:
        raise ValueError("a sighting without an opening time moves nothing")
    milliseconds = (sighting.opens_at - _EPOCH) // timedelta(milliseconds=1)
    moved_fields = {"opens_at", "source", "observed_at", "published_at", "deduplicated_at", "price"}
    if sighting.rules is not None:
        moved_fields.add("rules")
    described = listing.model_dump() | sighting.model_dump(include=moved_fields)
    return ListingRescheduled.model_validate(described | {"id": f"{listing.key}:rescheduled:{milliseconds}"})
