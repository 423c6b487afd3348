"""The handler of listings: decides on each, and has those that open later waited for."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

import structlog

from executor.decisions.freshness import AgeSettings, is_just_open
from executor.decisions.limits import MassListing
from executor.halts.halt_causes import HaltCause
from executor.journal.decision_writer import ALONE, Reservation
from executor.metrics import ExecutorMetrics
from executor.model import Decided, Order, Outcome
from executor.sending.order_sender import Latch
from executor.sending.purchase_decisions import Foreseen, PurchaseDecisions
from executor.sending.purchase_sender import PurchaseSender
from shared.events import Listing, ListingKey, ListingRescheduled, Source, Trade
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
        self._bought_ahead: set[ListingKey] = set()
        """Listings bought before their announcement was received."""

    async def __call__(self, listing: Listing) -> Sequence[Trade]:
        """Return once the decision is committed; raise TransientError when the database is away."""
        if isinstance(listing, ListingRescheduled) and await self._moved(listing):
            return ()
        self._count(listing)
        outcome = await self._decide(listing)
        if outcome is not Outcome.REPEATED:
            return ()
        if isinstance(listing, ListingRescheduled):
            # The order that it moves was armed between the two looks, or was refused for its time.
            if not await self._moved(listing):
                await self._reopen(listing)
        else:
            await self._decisions.announced(listing)
            self._bought_ahead.discard(listing.key)
        return ()

    async def at_once(self, listing: Listing, reservation: Reservation) -> Foreseen:
        """Buy *listing* by *reservation* before it is announced, where the last reading is for it; see `open_at_once`.

        Once it is announced, it is known here, and its trades are.
        """
        self._count(listing)
        received = perf_counter()
        foreseen = await self._decisions.open_at_once(listing, self._consequences.sender, reservation)
        if isinstance(foreseen, Order):
            self._bought_ahead.add(listing.key)
            self._report(listing, Decided(Outcome.BUY, foreseen), perf_counter() - received)
        return foreseen

    async def rehearse(self, listing: Listing, reservation: Reservation = ALONE) -> None:
        """Go the way of `at_once` without a trace, with a *listing* that there is none of: nothing can be bought."""
        await self._decisions.rehearse(listing, self._consequences.sender, reservation)

    async def read_ahead(self) -> None:
        """Read what decides on the next listing; raise TransientError when the database is away."""
        await self._decisions.read_ahead()

    async def missed(self, listing: Listing) -> None:
        """Decide on a *listing* whose message was lost or has expired. It is no news, so it is not counted as such."""
        with of_listing(listing):
            await self._decide(listing)

    async def _decide(self, listing: Listing) -> Outcome:
        received = perf_counter()
        if listing.key in self._bought_ahead:
            decided = Decided(Outcome.REPEATED)
        else:
            decided = await self._decisions.open(listing, self._consequences.sender)
        if decided.outcome is Outcome.ARMED:
            self._consequences.on_armed()
        self._report(listing, decided, perf_counter() - received)
        return decided.outcome

    def _report(self, listing: Listing, decided: Decided, decision_seconds: float) -> None:
        self._metrics.decided(decided, decision_seconds)
        log.info(
            "decided",
            symbol=listing.symbol,
            listing=listing.key,
            outcome=decided.outcome,
            reason=decided.reason or None,
        )

    def _count(self, listing: Listing) -> None:
        """Count *listing* where it might be bought, and halt where that makes too many."""
        if self._might_be_bought(listing) and self._mass_listing.counts_too_many(listing.key, self._now()):
            self._consequences.latch(
                HaltCause.MASS_LISTING, None, f"too many listings in a minute, {listing.symbol} the latest"
            )

    async def _moved(self, listing: ListingRescheduled) -> bool:
        """Return whether an order waits for the new opening; where none does, the news is as good as the listing."""
        if not await self._decisions.move(listing):
            return False
        log.info("opening moved", symbol=listing.symbol, listing=listing.key, opens_at=listing.opens_at)
        self._consequences.on_armed()
        return True

    async def _reopen(self, listing: ListingRescheduled) -> None:
        """Let what was refused for its time wait for the new opening, where that fits."""
        if await self._decisions.reopen(listing):
            log.info("waits after a refusal", symbol=listing.symbol, listing=listing.key, opens_at=listing.opens_at)
            self._consequences.on_armed()

    def _might_be_bought(self, listing: Listing) -> bool:
        """Return whether *listing* is one to buy.

        After a pause many appear late at once; of these only what has just opened is.
        """
        if not listing.tradable or listing.source is Source.TEST_INJECTION:
            return False
        return not listing.late or is_just_open(listing, self._ages, self._now())


Lend = Callable[[BuyListing, asyncio.TaskGroup], AbstractContextManager[None]]
"""Lends the handler for as long as purchases may begin, and the tasks that are waited for at a stop."""
