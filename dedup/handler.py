"""Deduplication of sightings: one event per listing, and one per new opening time."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

import structlog

from dedup.identity import listing_of, rescheduled_event
from dedup.ledger import Claim, ClaimCache, Ledger
from dedup.metrics import ClockSkew, Metrics
from dedup.observations import Observation
from shared.errors import PermanentError
from shared.events import Listing, RawListing, utc_now

log = structlog.get_logger(__name__)

Observe = Callable[[Observation], Awaitable[None]]
"""Returns once the observation is stored."""


class Deduplicate:
    """Answers the first sighting of a listing with the listing, and others with what is new in them.

    A sighting is redelivered when the process was killed between its claim and the broker's acknowledgement. It gets
    the same event again: duplicates under one id are harmless, a lost event is not.
    """

    def __init__(
        self,
        ledger: Ledger,
        claims: ClaimCache,
        observe: Observe,
        metrics: Metrics,
        skew: ClockSkew,
        *,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._ledger = ledger
        self._claims = claims
        self._observe = observe
        self._metrics = metrics
        self._skew = skew
        self._now = now

    async def __call__(self, raw: RawListing) -> Sequence[Listing]:
        """Raise PermanentError for what cannot be a listing, TransientError while the ledger is away."""
        now = self._now()
        self._skew.note(raw, now)
        self._metrics.lag_seconds.labels(raw.source).observe(max(0.0, (now - raw.observed_at).total_seconds()))
        sighting = listing_of(raw, deduplicated_at=now)
        if not self._claims.is_duplicate(sighting.key, raw.id):
            claim = await self._ledger.claim(sighting, raw.id)
            self._claims.remember(sighting.key, claim.raw_id)
            if claim.raw_id == raw.id:
                return self._forward(claim)
        return await self._compare(sighting, raw.id)

    def _forward(self, claim: Claim) -> Sequence[Listing]:
        counter = self._metrics.listings if claim.is_new else self._metrics.republished
        counter.labels(claim.listing.source).inc()
        log.debug("forwarded", symbol=claim.listing.symbol, again=not claim.is_new)
        return (claim.listing,)

    async def _compare(self, sighting: Listing, raw_id: str) -> Sequence[Listing]:
        """Store the sighting of a known listing. However early it was made, the listing stays as published."""
        moved = None if sighting.opens_at is None else await self._ledger.move(sighting, raw_id)
        try:
            await self._observe(Observation(sighting.key, sighting.source, sighting.observed_at, raw_id))
        except PermanentError as error:
            if moved is None:
                raise
            # An observation is for people; the rescheduling must not be lost with it.
            log.warning("an observation that cannot be stored", listing=sighting.key, reason=str(error))
        self._metrics.duplicates.labels(sighting.source).inc()
        if moved is None:
            return ()
        self._metrics.rescheduled.labels(sighting.source).inc()
        return (rescheduled_event(moved, sighting),)
