"""New orders of a decision: client order id, amount, and send deadline. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from executor.decisions.freshness import fresh_until
from executor.decisions.strategy import TradingState
from executor.model.client_order_id import client_order_id
from executor.model.order import ExitReason, Order
from executor.model.position import Position
from executor.settings import ExecutorSettings
from shared.events import AppliedConfig, Listing, Side

NOTHING: Final = Decimal("0.00")


def purchase_order(
    listing: Listing, state: TradingState, quote_qty: Decimal, settings: ExecutorSettings, now: datetime
) -> Order:
    """Return the order that buys *listing* for *quote_qty* at most."""
    return Order(
        listing=listing,
        mode=state.mode,
        side=Side.BUY,
        sequence=1,
        client_order_id=client_order_id(listing.key, state.mode, Side.BUY),
        quote_qty=quote_qty,
        config=_no_limits(now) if state.config is None else state.config.limits,
        decided_at=now,
        send_until=send_until(listing, now, settings),
    )


def sale_order(
    position: Position, base_qty: Decimal, reason: ExitReason, settings: ExecutorSettings, now: datetime
) -> Order:
    """Return the order that sells *base_qty* of *position*."""
    sequence = position.sales + 1
    return Order(
        listing=position.listing,
        mode=position.mode,
        side=Side.SELL,
        sequence=sequence,
        client_order_id=client_order_id(position.listing.key, position.mode, Side.SELL, sequence),
        quote_qty=NOTHING,
        config=_no_limits(now),
        decided_at=now,
        send_until=now + timedelta(seconds=settings.sale_seconds),
        base_qty=base_qty,
        exit_reason=reason,
    )


def send_until(listing: Listing, begins_at: datetime, settings: ExecutorSettings) -> datetime:
    """Return the send deadline of an order that may be sent from *begins_at* on, while *listing* is fresh."""
    return min(begins_at + sending_time(settings), fresh_until(listing, settings))


def sending_time(settings: ExecutorSettings) -> timedelta:
    """Return the time within which an order may be sent."""
    return timedelta(seconds=max(settings.retry_seconds, settings.exchange_timeout_seconds))


def _no_limits(now: datetime) -> AppliedConfig:
    """Return the configuration of sales, and of purchases without one: nothing may be spent."""
    return AppliedConfig(max_trade_usdt=NOTHING, max_position_usdt=NOTHING, auto_trade=False, updated_at=now)
