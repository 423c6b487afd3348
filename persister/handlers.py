"""Handlers by kind of event: each acknowledges once the event's row is committed."""

from collections.abc import Sequence

import structlog

from shared.events import CLOCK_TOLERANCE, Health, Listing, Trade, never_after, utc_now
from shared.postgres.batch import Batcher
from shared.process.health import Component
from shared.wire.event_handler import EventHandler
from shared.wire.topology import PipelineEvent

log = structlog.get_logger(__name__)


def records_listings(rows: Batcher[Listing], component: Component) -> EventHandler[Listing]:
    """Return a handler that refuses injected listings of the future with PermanentError.

    Other times ahead of the clock tolerance are stored as now.
    """

    async def record(listing: Listing) -> Sequence[PipelineEvent]:
        now = utc_now()
        listed_at = never_after(now + CLOCK_TOLERANCE, listing.listed_at, listing.source)
        component.saw_event(now)
        await rows.add(listing if listed_at == listing.listed_at else listing.model_copy(update={"listed_at": now}))
        log.debug("listing stored", symbol=listing.symbol)
        return ()

    return record


def records_trades(rows: Batcher[Trade], component: Component) -> EventHandler[Trade]:
    """Return a handler of trades."""

    async def record(trade: Trade) -> Sequence[PipelineEvent]:
        component.saw_event(utc_now())
        await rows.add(trade)
        log.debug("trade stored", symbol=trade.symbol, status=trade.status)
        return ()

    return record


def records_health(rows: Batcher[Health]) -> EventHandler[Health]:
    """Return a handler of heartbeats, which do not count as events of the persister."""

    async def record(report: Health) -> Sequence[PipelineEvent]:
        await rows.add(report)
        return ()

    return record
