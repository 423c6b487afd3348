"""The handler of listings: decides on each, and has those that open later waited for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

import structlog

from executor.decisions.freshness import AgeSettings, is_just_open
from executor.halts.latches import HaltCause
from executor.halts.mass_listing import MassListing
from executor.metrics import ExecutorMetrics
from executor.sending.order_sender import Latch
from executor.sending.purchase_decisions import Outcome, PurchaseDecisions, PurchaseSender
from shared.events import Listing, ListingRescheduled, Source, Trade
from shared.log_context import of_listing

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Consequences:
    """What follows from decisions; none of it is waited for."""

    sender: PurchaseSender
    on_armed: Callable[[], None]
    """Called when an order waits for an opening, or its opening moved."""
    latch: Latch


class BuyListing:
    """Decides once on each listing, however often it is delivered. Trades are announced by the outbox."""

    def __init__(
        self,
        decisions: PurchaseDecisions,
        mass_listing: MassListing,
        consequences: Consequences,
        metrics: ExecutorMetrics,
        ages: AgeSettings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._decisions = decisions
        self._mass_listing = mass_listing
        self._consequences = consequences
        self._metrics = metrics
        self._ages = ages
        self._now = now

    async def __call__(self, listing: Listing) -> Sequence[Trade]:
        """Return once the decision is committed; raise TransientError when the database is away."""
        if isinstance(listing, ListingRescheduled) and await self._moved(listing):
            return ()
        if self._might_be_bought(listing) and self._mass_listing.is_too_many(listing.key, self._now()):
            self._consequences.latch(
                HaltCause.MASS_LISTING, None, f"too many listings in a minute, {listing.symbol} the latest"
            )
        outcome = await self._decide(listing)
        if outcome is Outcome.REPEATED and isinstance(listing, ListingRescheduled):
            await self._moved(listing)  # The order that it moves was armed between the two looks.
        return ()

    async def missed(self, listing: Listing) -> None:
        """Decide on a *listing* whose message was lost or has expired. It is no news, so it is not counted as such."""
        with of_listing(listing):
            await self._decide(listing)

    async def _decide(self, listing: Listing) -> Outcome:
        received = perf_counter()
        decided = await self._decisions.open(listing, self._consequences.sender)
        decision_seconds = perf_counter() - received
        if decided.outcome is Outcome.ARMED:
            self._consequences.on_armed()
        self._metrics.decided(decided, decision_seconds)
        log.info(
            "decided",
            symbol=listing.symbol,
            listing=listing.key,
            outcome=decided.outcome,
            reason=decided.reason or None,
        )
        return decided.outcome

    async def _moved(self, listing: ListingRescheduled) -> bool:
        """Return whether an order waits for the new opening; where none does, the news is as good as the listing."""
        if not await self._decisions.move(listing):
            return False
        log.info("opening moved", symbol=listing.symbol, listing=listing.key, opens_at=listing.opens_at)
        self._consequences.on_armed()
        return True

    def _might_be_bought(self, listing: Listing) -> bool:
        """Return whether *listing* is one to buy.

        After a pause many appear late at once; of these only what has just opened is.
        """
        if not listing.tradable or listing.source is Source.TEST_INJECTION:
            return False
        return not listing.late or is_just_open(listing, self._ages, self._now())
