"""Turn every listing into exactly one event, and every new opening time of it into one more."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from dedup.identity import listing_of, rescheduled
from dedup.ledger import Claim, Ledger
from dedup.metrics import Metrics
from dedup.observations import Observation
from dedup.seen import Seen
from shared.events import Listing, RawListing, refuse_future, utc_now

Observe = Callable[[Observation], Awaitable[None]]
"""Returns once the observation is stored."""


class Deduplicate:
    """Answers the first sighting of a listing with the listing, and any other with what it has of news.

    A sighting may come back, when we were killed between its claim and the broker's answer. It is then answered
    with the same event again: an event twice with one id is harmless, one that is lost is not.
    """

    def __init__(
        self, ledger: Ledger, seen: Seen, observe: Observe, metrics: Metrics, *, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._ledger = ledger
        self._seen = seen
        self._observe = observe
        self._metrics = metrics
        self._now = now

    async def __call__(self, raw: RawListing) -> Sequence[Listing]:
        """Raise PermanentError for what cannot be a listing, TransientError while the ledger is away."""
        now = self._now()
        refuse_future(raw.listed_at, now=now)
        sighting = listing_of(raw, deduplicated_at=now)
        if not self._seen.is_duplicate(sighting.key, raw.id):
            claim = await self._ledger.claim(sighting, raw.id)
            self._seen.remember(sighting.key, claim.raw_id)
            if claim.raw_id == raw.id:
                return self._forward(claim)
        return await self._compare(sighting, raw.id)

    def _forward(self, claim: Claim) -> Sequence[Listing]:
        counter = self._metrics.listings if claim.is_new else self._metrics.republished
        counter.labels(claim.listing.source).inc()
        return (claim.listing,)

    async def _compare(self, sighting: Listing, raw_id: str) -> Sequence[Listing]:
        """Keep a sighting of a known listing. However early it was made, the listing stays as it was published."""
        moved = None if sighting.opens_at is None else await self._ledger.move(sighting, raw_id)
        await self._observe(Observation(sighting.key, sighting.source, sighting.observed_at, raw_id))
        self._metrics.duplicates.labels(sighting.source).inc()
        if moved is None:
            return ()
        self._metrics.rescheduled.labels(sighting.source).inc()
        return (rescheduled(moved, sighting),)
