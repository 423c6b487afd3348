"""The trade event that announces what came of a decision."""

from datetime import datetime
from decimal import Decimal

from executor.order import Miss, Order
from executor.paper import Fill
from shared.events import Listing, Stages, Trade, TradeStatus


def trade_of(listing: Listing, order: Order, result: Fill | Miss, answered_at: datetime | None) -> Trade:
    """Return the event for *order*; *answered_at* is None where nobody was asked.

    Its quote_qty is what a fill spent, fee included, and otherwise what had been reserved.
    """
    status, quote_qty, base_qty, error_reason = _told(order, result)
    known_at = answered_at or order.decided_at
    return Trade(
        id=f"{order.client_order_id}.{status}",
        symbol=order.symbol,
        side=order.side,
        quote_qty=quote_qty,
        base_qty=base_qty,
        # A wall clock may step back in between.
        latency_ms=max(0, round((known_at - order.decided_at).total_seconds() * 1000)),
        mode=order.mode,
        status=status,
        error_reason=error_reason,
        created_at=known_at,
        listing_key=order.listing_key,
        client_order_id=order.client_order_id,
        listed_at=listing.listed_at,
        config=order.config,
        stages=Stages(
            observed_at=listing.observed_at,
            published_at=listing.published_at,
            deduplicated_at=listing.deduplicated_at,
            decided_at=order.decided_at,
            answered_at=answered_at,
        ),
    )


def _told(order: Order, result: Fill | Miss) -> tuple[TradeStatus, Decimal, Decimal | None, str | None]:
    match result:
        case Fill():
            return TradeStatus.FILLED, result.quote_spent, result.base_qty, None
        case Miss():
            return result.status, order.quote_qty, None, result.error_reason
