"""Settlement of a step in an order's life: exposure and positions, inside the transaction that takes the step."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import ROUND_UP, Decimal, localcontext
from typing import Final, get_args

from executor.halts import halt_causes
from executor.journal.order_row import position_of
from executor.model import (
    CAREFUL,
    CENT,
    ENDED,
    Effect,
    Fill,
    Order,
    OrderEvent,
    Position,
    PositionState,
    after_sale,
    realised,
    written_off,
)
from executor.settings import DollarAsset
from shared.events import Side
from shared.postgres.database import Connection
from shared.states import AT_LARGE, in_sql

DOLLARS: Final = frozenset(get_args(DollarAsset))
"""Each counts as a dollar here, as everywhere."""
RECORD_OTHER_FEES: Final = """
INSERT INTO other_fees (listing_key, mode, client_order_id, asset, amount, taken_at, price)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING RETURNING true
"""
# The actual fill counts, even beyond the limit: the next reservation finds no room.
SETTLE: Final = """
UPDATE exposure SET
    reserved_usdt = reserved_usdt - $2,
    filled_usdt = filled_usdt + $3,
    ceiling_usdt = greatest(ceiling_usdt, reserved_usdt - $2 + filled_usdt + $3),
    day_spent_usdt = CASE WHEN day = $4 THEN greatest(0, day_spent_usdt - $2 + $3) ELSE day_spent_usdt END
WHERE mode = $1
"""
# The result counts for its day, unless that is over.
FREE: Final = """
UPDATE exposure SET
    filled_usdt = greatest(0, filled_usdt - $2),
    day_result_usdt = CASE WHEN result_day >= $4 THEN day_result_usdt ELSE 0 END
        + CASE WHEN result_day <= $4 THEN $3::numeric ELSE 0 END,
    result_day = greatest(result_day, $4)
WHERE mode = $1
"""
# The same of a fee that the money of its order does not show. The result of a later day stays as it is.
CHARGE: Final = """
UPDATE exposure SET
    day_result_usdt = CASE WHEN result_day >= $2 THEN day_result_usdt ELSE 0 END
        - CASE WHEN result_day <= $2 THEN $3::numeric ELSE 0 END,
    result_day = greatest(result_day, $2)
WHERE mode = $1
"""
# A second fill of one listing is that of an attempt that was believed to have got nothing.
OPEN_POSITION: Final = """
INSERT INTO positions AS known
    (listing_key, mode, symbol, base_asset, quote_asset, state, listing, base_qty, cost_usdt, average_price, peak_price,
     opened_at, bought_qty, paid)
VALUES ($1, $2, $3, $4, $5, 'open', $6, $7, $8, $9, $9, $10, $7, $11)
ON CONFLICT (listing_key, mode) DO UPDATE SET
    state = CASE WHEN known.state IN ('closed', 'dust', 'written_off') THEN 'open' ELSE known.state END,
    base_qty = known.base_qty + excluded.base_qty,
    cost_usdt = known.cost_usdt + excluded.cost_usdt,
    average_price = (known.base_qty * known.average_price + excluded.base_qty * excluded.average_price)
        / nullif(known.base_qty + excluded.base_qty, 0),
    peak_price = greatest(known.peak_price, excluded.peak_price),
    bought_qty = known.bought_qty + excluded.bought_qty, paid = known.paid + excluded.paid,
    stop_reference = NULL, closed_at = NULL, updated_at = now()
"""
# Every writer of an order's later life takes the exposure first: one order of locks, so no deadlock. What ends an order
# that waits does without, because nothing is reserved for it.
LOCK: Final = "SELECT FROM exposure WHERE mode = $1 FOR UPDATE"
READ_POSITION: Final = "SELECT * FROM positions WHERE listing_key = $1 AND mode = $2 FOR UPDATE"
WRITE_POSITION: Final = """
UPDATE positions SET
    state = $3::varchar, base_qty = $4, cost_usdt = $5, received_usdt = $6, proceeds = $7,
    note = CASE WHEN $3::varchar = 'closed' THEN '' ELSE note END,
    written_off_from = CASE
        WHEN state = 'written_off' THEN written_off_from WHEN $3::varchar = 'written_off' THEN state
    END,
    closed_at = CASE WHEN $3::varchar IN ('closed', 'written_off') THEN coalesce(closed_at, now()) END,
    updated_at = now()
WHERE listing_key = $1 AND mode = $2
"""
# While one was in doubt, another may have been begun for the rest of the balance.
ANOTHER_SALE: Final = f"""
SELECT EXISTS (
    SELECT FROM orders
    WHERE listing_key = $1 AND mode = $2 AND side = 'SELL' AND state IN {in_sql(AT_LARGE)}
        AND client_order_id <> $3
)
"""  # noqa: S608 - constants
COUNT: Final = """
UPDATE exposure SET failures = CASE WHEN $2 THEN failures + 1 ELSE 0 END WHERE mode = $1 RETURNING failures
"""
START_OVER: Final = "UPDATE exposure SET failures = 0 WHERE mode = $1"
_NOTHING: Final = Decimal("0.00")
_FAILURES: Final = frozenset({OrderEvent.UNSENT, OrderEvent.UNANSWERED})
_SUCCESSES: Final = frozenset({OrderEvent.ACCEPTED, OrderEvent.FOUND_FILLED, OrderEvent.FOUND_PARTLY_FILLED})


async def settle(connection: Connection, order: Order, effect: Effect, fill: Fill | None, *, reserved: Decimal) -> None:
    """Carry out *effect* for *order*, with *fill* where there is one, and release what it had *reserved*.

    The caller holds the exposure's lock.
    """
    if effect is Effect.ADD and fill is not None:
        await add(connection, order, fill)
    if effect not in {Effect.RELEASE, Effect.SETTLE}:
        return
    if order.side is Side.BUY:
        await _settle_purchase(connection, order, fill, reserved=reserved)
    else:
        await _settle_sale(connection, order, fill)


async def count_failures(connection: Connection, order: Order, event: OrderEvent, failures_max: int) -> None:
    """Count purchases that failed in a row; latch the halt of their mode at *failures_max*."""
    if order.side is Side.SELL or event not in _FAILURES | _SUCCESSES:
        return
    failures = await connection.fetchval(COUNT, order.mode, event in _FAILURES)
    if failures >= failures_max:
        reason = f"{failures} orders in a row failed, or their outcome was unknown"
        await halt_causes.latch(connection, halt_causes.HaltCause.FAILURES, order.mode, reason)
        await connection.execute(START_OVER, order.mode)


async def add(connection: Connection, order: Order, fill: Fill) -> None:
    """Count the late fill of an order that was given up, and halt purchases: an absence was believed that was none."""
    if order.side is Side.BUY:
        await _settle_purchase(connection, order, fill, reserved=_NOTHING)
    else:
        await _settle_sale(connection, order, fill)
    reason = f"{order.sent_as} ({order.symbol}) was given up and appeared after all"
    await halt_causes.latch(connection, halt_causes.HaltCause.APPEARED, order.mode, reason)


async def _settle_purchase(connection: Connection, order: Order, fill: Fill | None, *, reserved: Decimal) -> None:
    spent = _NOTHING if fill is None else fill.quote_spent(order.listing.quote_asset)
    await connection.execute(SETTLE, order.mode, reserved, spent, _day_of(order))
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
        max(order.answered_at or fill.traded_at or order.decided_at, order.decided_at),
        fill.cost_with_fee(order.listing.quote_asset),
    )
    await _record_other_fees(connection, order, fill)


async def _settle_sale(connection: Connection, order: Order, fill: Fill | None) -> None:
    before = position_of(await connection.fetchrow(READ_POSITION, order.listing_key, order.mode))
    after = after_sale(before, fill)
    goes_on = await connection.fetchval(ANOTHER_SALE, order.listing_key, order.mode, order.client_order_id)
    if goes_on and after.state is PositionState.OPEN:
        after = replace(after, state=PositionState.CLOSING)
    await store(connection, after)
    freed = before.cost_usdt - after.cost_usdt
    await connection.execute(FREE, order.mode, freed, realised(before, after), _day_of(order))
    if fill is not None:
        await _record_other_fees(connection, order, fill)


async def write_off(connection: Connection, position: Position, now: datetime) -> bool:
    """Give *position* up as lost, which frees its cost; return whether that could be done.

    Not while a sale of it may still bring something: what that comes to is booked first. Nor where more of it appeared
    meanwhile.
    """
    await connection.execute(LOCK, position.mode)
    before = position_of(await connection.fetchrow(READ_POSITION, position.listing.key, position.mode))
    at_large = await connection.fetchval(ANOTHER_SALE, position.listing.key, position.mode, "")
    if at_large or before.state in ENDED or before.base_qty > position.base_qty:
        return False
    after = written_off(before)
    await store(connection, after)
    freed, day = before.cost_usdt - after.cost_usdt, now.astimezone(UTC).date()
    await connection.execute(FREE, position.mode, freed, realised(before, after), day)
    return True


async def charge_fee(connection: Connection, mode: str, taken_at: datetime, amount: Decimal, price: Decimal) -> None:
    """Subtract a fee at *price*, in whole cents rounded up, from the result of its day. The caller holds the lock."""
    with localcontext(CAREFUL):
        usdt = (amount * price).quantize(CENT, ROUND_UP)
    await connection.execute(CHARGE, mode, taken_at.astimezone(UTC).date(), usdt)


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
        position.proceeds,
    )


def _day_of(order: Order) -> date:
    return order.decided_at.astimezone(UTC).date()


async def _record_other_fees(connection: Connection, order: Order, fill: Fill) -> None:
    """Keep the fees of *fill* that the order's money does not show, in the caller's transaction; charge dollars.

    Others are charged once their price is known: it is that of the trade, which may be long after the decision.
    """
    listing = order.listing
    taken_at = max(fill.traded_at or order.answered_at or order.decided_at, order.decided_at)
    for asset, amount in fill.fees.items():
        if asset in {listing.base_asset, listing.quote_asset} or amount <= 0:
            continue
        price = Decimal(1) if asset in DOLLARS else None
        values = (order.listing_key, order.mode, order.sent_as, asset, amount, taken_at, price)
        is_new = await connection.fetchval(RECORD_OTHER_FEES, *values)
        if is_new and price is not None:
            await charge_fee(connection, order.mode, taken_at, amount, price)
