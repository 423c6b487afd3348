"""What the executor does about one listing: decide, commit, and hand it to whoever sends or waits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

import structlog

from executor.decisions.freshness import AgeSettings, is_just_open
from executor.halts.latches import HaltCause
from executor.halts.mass_listing import MassListing
from executor.journal.decision_writer import DecisionWriter
from executor.metrics import ExecutorMetrics
from executor.model.order import Order
from executor.sending.order_sender import Latch
from shared.events import Listing, ListingRescheduled, Source, Trade
from shared.log_context import of_listing

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Desk:
    """Who carries out what is decided; none of it is waited for."""

    prepare: Callable[[Order], None]
    """An order is about to be committed, and is sent next."""
    send: Callable[[Order], None]
    armed: Callable[[], None]
    """An order waits for an opening, or its opening moved."""
    latch: Latch


class BuyListing:
    """Decides once on each listing, however often it is told of it. Trades are told by the outbox."""

    def __init__(
        self,
        journal: DecisionWriter,
        mass_listing: MassListing,
        desk: Desk,
        metrics: ExecutorMetrics,
        ages: AgeSettings,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._ages = ages
        self._journal = journal
        self._mass_listing = mass_listing
        self._desk = desk
        self._metrics = metrics
        self._now = now

    async def __call__(self, listing: Listing) -> Sequence[Trade]:
        """Return once what is to be done is committed; raise TransientError when the database is away."""
        if isinstance(listing, ListingRescheduled) and await self._moved(listing):
            return ()
        if self._might_be_bought(listing) and self._mass_listing.is_too_many(listing.key, self._now()):
            self._desk.latch(
                HaltCause.MASS_LISTING, None, f"too many listings in a minute, {listing.symbol} the latest"
            )
        outcome = await self._decide(listing)
        if outcome == "repeated" and isinstance(listing, ListingRescheduled):
            await self._moved(listing)  # What it moves was armed between the two looks.
        return ()

    async def missed(self, listing: Listing) -> None:
        """Decide on a *listing* whose message was lost or has expired. It is no news, so it is not counted as such."""
        with of_listing(listing):
            await self._decide(listing)

    async def _decide(self, listing: Listing) -> str:
        received = perf_counter()
        decided = await self._journal.open(listing, self._desk)
        decision_seconds = perf_counter() - received
        if decided.outcome == "armed":
            self._desk.armed()
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
        if not await self._journal.move(listing):
            return False
        log.info("opening moved", symbol=listing.symbol, listing=listing.key, opens_at=listing.opens_at)
        self._desk.armed()
        return True

    def _might_be_bought(self, listing: Listing) -> bool:
        """Tell whether *listing* is one to buy.

        After a pause many appear late at once; of these only what has just opened is.
        """
        if not listing.tradable or listing.source is Source.TEST_INJECTION:
            return False
        return not listing.late or is_just_open(listing, self._ages, self._now())
