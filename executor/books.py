"""What becomes of committed orders: each step of their lives once, with its money, in one transaction."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from executor import accounts
from executor.fills import Fill
from executor.named_sql import named
from executor.order import Order
from executor.order_row import order_of
from executor.states import AT_LARGE, FINAL, TABLE, OrderEvent, OrderState
from executor.trade import trade_of
from shared.database import Connection, Database

# Every writer of an order's later life takes the exposure first: one order of locks, so no deadlock.
LOCK: Final = "SELECT FROM exposure WHERE mode = $1 FOR UPDATE"
READ: Final = "SELECT * FROM orders WHERE client_order_id = $1 FOR UPDATE"
WRITE: Final = named("""
UPDATE orders SET
    state = :state::varchar,
    executed_qty = :executed_qty, cost = :cost, fee = :fee, fee_asset = :fee_asset,
    error_reason = :error_reason,
    exchange_order_id = coalesce(:exchange_order_id, exchange_order_id),
    answered_at = coalesce(answered_at, :answered_at),
    send_until = least(send_until, :send_until),
    request = coalesce(:request::jsonb, request),
    attempts = greatest(attempts, :attempts),
    -- What waits again waits for an opening that was told meanwhile, or that nobody knows yet.
    fire_at = CASE
        WHEN :state::varchar <> 'armed' THEN fire_at
        WHEN (listing ->> 'opens_at')::timestamptz > now() THEN (listing ->> 'opens_at')::timestamptz
    END,
    misses = 0, updated_at = now()
WHERE client_order_id = :client_order_id
RETURNING *
""")
TELL: Final = "INSERT INTO trade_outbox (event) VALUES ($1)"
IN_STATES: Final = "SELECT * FROM orders WHERE state = ANY($1) AND mode = ANY($2) ORDER BY created_at"
MISS: Final = "UPDATE orders SET misses = misses + 1 WHERE client_order_id = $1 AND state = 'unknown' RETURNING misses"
WAITS: Final = """
SELECT EXISTS (SELECT FROM orders WHERE client_order_id = $1 AND state = 'armed' AND fire_at = $2)
"""
_TOLD: Final = FINAL | {OrderState.ARMED, OrderState.UNKNOWN}


@dataclass(frozen=True, slots=True)
class Told:
    """What is known beside the event itself; None leaves what the journal holds."""

    fill: Fill | None = None
    reason: str | None = None
    exchange_order_id: str | None = None
    answered_at: datetime | None = None
    send_until: datetime | None = None
    """The sender promises to send nothing after this."""
    request: dict[str, str] | None = None
    attempts: int = 0


NOTHING_MORE: Final = Told()


class Books:
    """Raises TransientError when the database is away, after which the step may or may not be taken: take it again."""

    def __init__(
        self,
        database: Database,
        *,
        failures_max: int,
        told: Callable[[], None],
        count: Callable[[Order, str | None], None],
    ) -> None:
        self._database = database
        self._failures_max = failures_max
        self._told = told
        self._count = count

    async def record(self, order: Order, event: OrderEvent, told: Told = NOTHING_MORE) -> Order | None:
        """Let *event* happen to *order*, and return it as it is then; None where it is past that already."""
        async with self._database.transaction() as connection:
            await connection.execute(LOCK, order.mode)
            before = order_of(await connection.fetchrow(READ, order.client_order_id))
            taken = TABLE.get((before.state, event))
            if taken is None or _is_overtaken(order, before):
                return None
            after = await _write(connection, order, taken.state, told)
            await accounts.settle(connection, after, taken.effect, told.fill, told.reason)
            await accounts.count_failures(connection, after, event, self._failures_max)
            if after.state in _TOLD:
                trade = trade_of(after, fill=told.fill, reason=told.reason)
                await connection.execute(TELL, trade.model_dump(mode="json"))
        self._told()
        self._count(after, told.reason)
        return after

    async def at_large(self, modes: Collection[str]) -> Sequence[Order]:
        """Return the orders that may be at the exchange and are not settled, oldest first."""
        return await self._in_states(AT_LARGE, modes)

    async def armed(self, modes: Collection[str]) -> Sequence[Order]:
        """Return the orders that wait for an opening."""
        return await self._in_states({OrderState.ARMED}, modes)

    async def waits(self, order: Order) -> bool:
        """Tell whether *order* still waits, and for the same opening."""
        async with self._database.connection() as connection:
            return bool(await connection.fetchval(WAITS, order.client_order_id, order.fire_at))

    async def missed(self, order: Order) -> int:
        """Count that an unknown *order* was looked for and not found; return how often in a row that was."""
        async with self._database.connection() as connection:
            return await connection.fetchval(MISS, order.client_order_id) or 0

    async def _in_states(self, states: Collection[OrderState], modes: Collection[str]) -> Sequence[Order]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(IN_STATES, list(states), list(modes))
        return [order_of(row) for row in rows]


def _is_overtaken(known: Order, stands: Order) -> bool:
    """Tell whether an order that was *known* to wait was fired since, or waits for another opening.

    What was found against it then says nothing about it now.
    """
    return known.state is OrderState.ARMED and (stands.state, stands.fire_at) != (known.state, known.fire_at)


async def _write(connection: Connection, order: Order, state: OrderState, told: Told) -> Order:
    fill = told.fill
    values: dict[str, object] = {
        "client_order_id": order.client_order_id,
        "state": state,
        "executed_qty": Decimal(0) if fill is None else fill.base_qty,
        "cost": Decimal(0) if fill is None else fill.cost,
        "fee": None if fill is None else fill.fee,
        "fee_asset": None if fill is None else fill.fee_asset,
        "error_reason": told.reason,
        "exchange_order_id": told.exchange_order_id,
        "answered_at": told.answered_at,
        "send_until": told.send_until,
        "request": told.request,
        "attempts": told.attempts,
    }
    return order_of(await connection.fetchrow(WRITE.sql, *WRITE.arguments(values)))
