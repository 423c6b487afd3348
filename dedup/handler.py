"""Turn every listing into exactly one event."""

from collections.abc import Callable, Sequence
from datetime import datetime

from dedup.identity import listing_of
from dedup.ledger import Claim, Ledger
from dedup.metrics import Metrics
from dedup.race import Race
from dedup.seen import Seen
from shared.events import Listing, RawListing, refuse_future, utc_now


class Deduplicate:
    """Answers the first sighting of a listing with the listing and any other with nothing.

    The first sighting may come back, when we were killed between its claim and the broker's answer. It is then
    answered with the very same listing again: an event twice with one id is harmless, one that is lost is not.
    """

    def __init__(
        self, ledger: Ledger, seen: Seen, metrics: Metrics, race: Race, *, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._ledger = ledger
        self._seen = seen
        self._metrics = metrics
        self._race = race
        self._now = now

    async def __call__(self, raw: RawListing) -> Sequence[Listing]:
        """Raise PermanentError for what cannot be a listing, TransientError while the ledger is away."""
        now = self._now()
        refuse_future(raw.listed_at, now=now)
        listing = listing_of(raw, deduplicated_at=now)
        if self._seen.is_duplicate(listing.key, raw.id):
            return self._drop(listing, raw)
        claim = await self._ledger.claim(listing, raw.id)
        self._seen.remember(listing.key, claim.raw_id)
        if claim.raw_id != raw.id:
            return self._drop(claim.listing, raw)
        return self._forward(claim)

    def _drop(self, known: Listing, raw: RawListing) -> Sequence[Listing]:
        self._race.finish(known.key, raw)
        self._metrics.duplicates.labels(raw.source).inc()
        return ()

    def _forward(self, claim: Claim) -> Sequence[Listing]:
        counter = self._metrics.listings if claim.is_new else self._metrics.republished
        counter.labels(claim.listing.source).inc()
        self._race.start(claim.listing)
        return (claim.listing,)
