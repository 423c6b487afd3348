"""One handler for each kind of event: it answers when the event's row is committed."""

from collections.abc import Sequence

from shared.batch import Batcher
from shared.bus.typed import EventHandler
from shared.events import Health, Listing, Trade, refuse_future, utc_now
from shared.health import Component
from shared.topology import PipelineEvent


def records_listings(rows: Batcher[Listing], component: Component) -> EventHandler[Listing]:
    """Return a handler that refuses listings of the future with PermanentError."""

    async def record(listing: Listing) -> Sequence[PipelineEvent]:
        now = utc_now()
        refuse_future(listing.listed_at, now=now)
        component.saw_event(now)
        await rows.add(listing)
        return ()

    return record


def records_trades(rows: Batcher[Trade], component: Component) -> EventHandler[Trade]:
    """Return a handler of trades."""

    async def record(trade: Trade) -> Sequence[PipelineEvent]:
        component.saw_event(utc_now())
        await rows.add(trade)
        return ()

    return record


def records_health(rows: Batcher[Health]) -> EventHandler[Health]:
    """Return a handler of heartbeats, which are no events of the persister's own."""

    async def record(report: Health) -> Sequence[PipelineEvent]:
        await rows.add(report)
        return ()

    return record
