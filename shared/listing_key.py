"""The name of a listing, which all sightings of it share."""

from shared.events import ListingKey, RawListing, Source
from shared.mexc.symbols import normalise


def key_of(raw: RawListing) -> ListingKey:
    """Return what all sightings of one listing share.

    Neither the source nor a time is part of it: sources differ by minutes over the same listing. An injection
    has keys of its own, so that a test can never make a real listing look known.
    """
    key = f"{normalise(raw.symbol)}:{raw.occurrence}"
    return ListingKey(f"test:{key}" if raw.source is Source.TEST_INJECTION else key)
