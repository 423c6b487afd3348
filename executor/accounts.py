"""What a step in an order's life does to the exposure and the positions, inside the transaction that takes the step."""

from datetime import UTC, date
from decimal import Decimal
from typing import Final

from executor import halts
from executor.fills import Fill
from executor.order import Order
from executor.position import Position, after_sale, given_up
from executor.position_row import position_of
from executor.reasons import Reason
from executor.states import Effect, OrderEvent
from shared.database import Connection
from shared.events import Side

# What the truth turns out to be counts, even beyond the limit: the next reservation finds no room.
SETTLE: Final = """
UPDATE exposure SET
    reserved_usdt = reserved_usdt - $2,
    filled_usdt = filled_usdt + $3,
    ceiling_usdt = greatest(ceiling_usdt, reserved_usdt - $2 + filled_usdt + $3),
    day_spent_usdt = CASE WHEN day = $4 THEN greatest(0, day_spent_usdt - $2 + $3) ELSE day_spent_usdt END
WHERE mode = $1
"""
FREE: Final = "UPDATE exposure SET filled_usdt = greatest(0, filled_usdt - $2) WHERE mode = $1"
OPEN_POSITION: Final = """
INSERT INTO positions
    (listing_key, mode, symbol, base_asset, quote_asset, state, listing, base_qty, cost_usdt, average_price, peak_price,
     opened_at)
VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, $8, $9, $9, $10)
"""
READ_POSITION: Final = "SELECT * FROM positions WHERE listing_key = $1 AND mode = $2 FOR UPDATE"
WRITE_POSITION: Final = """
UPDATE positions SET
    state = $3::varchar, base_qty = $4, cost_usdt = $5, received_usdt = $6,
    closed_at = CASE WHEN $3::varchar IN ('closed', 'dust') THEN now() END, updated_at = now()
WHERE listing_key = $1 AND mode = $2
"""
COUNT: Final = """
UPDATE exposure SET failures = CASE WHEN $2 THEN failures + 1 ELSE 0 END WHERE mode = $1 RETURNING failures
"""
START_OVER: Final = "UPDATE exposure SET failures = 0 WHERE mode = $1"
_NOTHING: Final = Decimal("0.00")
_FAILURES: Final = frozenset({OrderEvent.UNSENT, OrderEvent.UNANSWERED})
_SUCCESSES: Final = frozenset({OrderEvent.ACCEPTED, OrderEvent.FOUND_FILLED, OrderEvent.FOUND_PARTLY_FILLED})


async def settle(connection: Connection, order: Order, effect: Effect, fill: Fill | None, reason: str | None) -> None:
    """Carry out *effect* for *order*, with *fill* where there is one. The caller holds the exposure's lock."""
    if effect not in {Effect.RELEASE, Effect.SETTLE}:
        return
    if order.side is Side.BUY:
        await _settle_purchase(connection, order, fill)
    else:
        await _settle_sale(connection, order, fill, reason)


async def count_failures(connection: Connection, order: Order, event: OrderEvent, failures_max: int) -> None:
    """Count purchases that failed in a row; latch the halt of their mode at *failures_max*."""
    if order.side is Side.SELL or event not in _FAILURES | _SUCCESSES:
        return
    failures = await connection.fetchval(COUNT, order.mode, event in _FAILURES)
    if failures >= failures_max:
        reason = f"{failures} orders in a row failed, or their outcome was unknown"
        await halts.latch(connection, halts.Cause.FAILURES, order.mode, reason)
        await connection.execute(START_OVER, order.mode)


async def _settle_purchase(connection: Connection, order: Order, fill: Fill | None) -> None:
    spent = _NOTHING if fill is None else fill.quote_spent(order.listing.quote_asset)
    await connection.execute(SETTLE, order.mode, order.quote_qty, spent, _day_of(order))
    if fill is None:
        return
    await connection.execute(
        OPEN_POSITION,
        order.listing_key,
        order.mode,
        order.symbol,
        order.listing.base_asset,
        order.listing.quote_asset,
        order.listing.model_dump(mode="json"),
        fill.base_bought(order.listing.base_asset),
        spent,
        fill.average_price,
        order.answered_at or order.decided_at,
    )


async def _settle_sale(connection: Connection, order: Order, fill: Fill | None, reason: str | None) -> None:
    before = position_of(await connection.fetchrow(READ_POSITION, order.listing_key, order.mode))
    too_little = reason is not None and reason.startswith(Reason.BELOW_MINIMUM)
    # Where only a part was to be sold, because the rest had not arrived yet, that part says nothing about the whole.
    is_dust = too_little and order.base_qty is not None and order.base_qty >= before.base_qty
    after = given_up(before) if is_dust else after_sale(before, fill)
    await store(connection, after)
    await connection.execute(FREE, order.mode, before.cost_usdt - after.cost_usdt)


async def store(connection: Connection, position: Position) -> None:
    """Write what changed of *position*."""
    await connection.execute(
        WRITE_POSITION,
        position.listing.key,
        position.mode,
        position.state,
        position.base_qty,
        position.cost_usdt,
        position.received_usdt,
    )


def _day_of(order: Order) -> date:
    return order.decided_at.astimezone(UTC).date()
