"""What the executor does about one listing: decide, place, record, tell."""

from collections.abc import Sequence
from time import perf_counter
from typing import Final, Protocol

import structlog

from executor.journal import Journal, Opened
from executor.metrics import ExecutorMetrics
from executor.order import Order, Outcome, interrupted
from executor.trade import trade_of
from shared.events import Listing, ListingRescheduled, Mode, Trade

log = structlog.get_logger(__name__)

MODE: Final = Mode.DRY_RUN


class Placing(Protocol):
    async def place(self, order: Order) -> Outcome:
        """Send *order* and return what came of it."""


class BuyListing:
    """Places at most one order per listing and tells what came of it, as often as it is asked."""

    def __init__(self, journal: Journal, placing: Placing, metrics: ExecutorMetrics) -> None:
        self._journal = journal
        self._placing = placing
        self._metrics = metrics

    async def __call__(self, listing: Listing) -> Sequence[Trade]:
        """Return the trade of *listing*; raise TransientError when the database is away."""
        if isinstance(listing, ListingRescheduled):
            log.debug("reschedule ignored", symbol=listing.symbol, opens_at=listing.opens_at)
            return ()
        received = perf_counter()
        opened = await self._journal.open(listing, MODE)
        decision_seconds = perf_counter() - received
        trade = await self._trade(listing, opened)
        self._metrics.decided(opened, decision_seconds)
        log.info("trade", symbol=trade.symbol, status=trade.status, reason=trade.error_reason, repeated=opened.repeated)
        return (trade,)

    async def _trade(self, listing: Listing, opened: Opened) -> Trade:
        match opened.entry:
            case Trade() as trade:
                return trade
            case Order() as order if opened.overdue:
                return await self._close(order, trade_of(listing, order, interrupted(), None))
            case Order() as order:
                # One that was left open is placed again, which is right only because a dry run sends nothing.
                outcome = await self._placing.place(order)
                return await self._close(order, trade_of(listing, order, outcome.result, outcome.answered_at))

    async def _close(self, order: Order, proposed: Trade) -> Trade:
        trade = await self._journal.close(order, proposed)
        if trade is proposed:
            self._metrics.ended(trade)
        return trade
