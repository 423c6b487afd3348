"""Trade event that announces the state of an order. Pure."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Context, Decimal
from types import MappingProxyType
from typing import Final

from executor.model.fill import Fill
from executor.model.order import Order
from executor.model.order_state import OrderState
from shared.events import Side, Stages, Trade, TradeStatus

_STATUS: Final[Mapping[OrderState, TradeStatus]] = MappingProxyType(
    {
        OrderState.ARMED: TradeStatus.PENDING,
        OrderState.SENDING: TradeStatus.PENDING,
        OrderState.ACKNOWLEDGED: TradeStatus.PENDING,
        OrderState.UNKNOWN: TradeStatus.PENDING,
        OrderState.FILLED: TradeStatus.FILLED,
        OrderState.PARTIALLY_FILLED: TradeStatus.FILLED,
        OrderState.REJECTED: TradeStatus.REJECTED,
        OrderState.EXPIRED: TradeStatus.REJECTED,
        OrderState.FAILED: TradeStatus.FAILED,
    }
)

_REPEATED: Final = frozenset({OrderState.ARMED, OrderState.REJECTED, OrderState.EXPIRED})
"""The states that an order may come into again: by a later word on its opening, or by a symbol that stayed closed."""
_RESCHEDULED: Final = ":rescheduled:"
"""In the id of a listing with a later opening: only by such a one is an order decided on anew."""
_LATENCY_MS_MAX: Final = 2**31 - 1
_DIGITS: Final = Context(prec=28)
_SMALL: Final = Decimal("1E-12")
_FINEST: Final = Decimal("1E-30")


def trade_of(
    order: Order,
    *,
    fill: Fill | None = None,
    reason: str | None = None,
    found_at: datetime | None = None,
    again: bool = False,
) -> Trade:
    """Return the event of the state of *order*, with its fill and the reason why it got no more.

    *found_at* is when a look-up showed it. Where it may have been in this state before, as it has certainly where it
    waits *again*, its decision is part of the id.
    """
    ack_latency_ms = None if order.answered_at is None else _latency_ms(order, order.answered_at)
    return Trade(
        id=_id_of(order, again=again),
        symbol=order.symbol,
        side=order.side,
        quote_qty=order.quote_qty if fill is None else _quote_qty(order, fill),
        reserved_qty=order.quote_qty if order.side is Side.BUY else None,
        base_qty=None if fill is None else _rounded(_base_qty(order, fill)),
        average_price=None if fill is None else _rounded(fill.average_price),
        fee=None if fill is None else _rounded(fill.fee),
        fee_asset=None if fill is None else fill.fee_asset,
        fees=None if fill is None else {asset: _rounded(fee) for asset, fee in fill.fees.items()},
        exit_reason=order.exit_reason,
        latency_ms=_found_latency_ms(order, found_at) if ack_latency_ms is None else ack_latency_ms,
        ack_latency_ms=ack_latency_ms,
        mode=order.mode,
        status=_STATUS[order.state],
        error_reason=reason,
        exchange_order_id=order.exchange_order_id,
        created_at=order.answered_at or order.decided_at,
        listing_key=order.listing_key,
        client_order_id=order.client_order_id,
        listed_at=order.listing.listed_at,
        config=order.config,
        stages=_stages(order),
    )


def _id_of(order: Order, *, again: bool) -> str:
    name = f"{order.client_order_id}.{order.state}"
    if again or (order.state in _REPEATED and _RESCHEDULED in order.listing.id):
        return f"{name}.{int(order.decided_at.timestamp() * 1000)}"
    return name


def _rounded(number: Decimal) -> Decimal:
    """Return *number* in as many digits as an event has room for; the journal keeps them all."""
    rounded = _DIGITS.plus(number)
    return rounded if abs(rounded) >= _SMALL else rounded.quantize(_FINEST)


def _latency_ms(order: Order, known_at: datetime) -> int:
    # A wall clock may step back in between.
    return max(0, round((known_at - order.due_at).total_seconds() * 1000))


def _found_latency_ms(order: Order, found_at: datetime | None) -> int:
    """Return the time until a look-up showed *order*, which is never 0; 0 where the exchange never did."""
    return 0 if found_at is None else min(max(1, _latency_ms(order, found_at)), _LATENCY_MS_MAX)


def _quote_qty(order: Order, fill: Fill) -> Decimal:
    quote_asset = order.listing.quote_asset
    return fill.quote_spent(quote_asset) if order.side is Side.BUY else fill.quote_received(quote_asset)


def _base_qty(order: Order, fill: Fill) -> Decimal:
    base_asset = order.listing.base_asset
    return fill.base_bought(base_asset) if order.side is Side.BUY else fill.base_sold(base_asset)


def _stages(order: Order) -> Stages:
    listing = order.listing
    return Stages(
        observed_at=listing.observed_at,
        published_at=listing.published_at,
        deduplicated_at=listing.deduplicated_at,
        decided_at=order.decided_at,
        answered_at=order.answered_at,
        due_at=order.fire_at,
    )
