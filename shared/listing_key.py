"""Key of a listing, shared by all its sightings."""

from shared.events import ListingKey, RawListing, Source
from shared.mexc.symbols import normalise


def key_of(raw: RawListing) -> ListingKey:
    """Return the key that all sightings of one listing share.

    Neither the source nor a time is part of it: sources differ by minutes over the same listing. Injections have
    keys of their own, so that a test can never make a real listing look known.
    """
    key = f"{normalise(raw.symbol)}:{raw.occurrence}"
    return ListingKey(f"test:{key}" if raw.source is Source.TEST_INJECTION else key)
