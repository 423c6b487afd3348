"""Steps of committed orders: each once, with its money, in one transaction."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

import structlog
from asyncpg import Record

from executor.alarms import Alarm, unread
from executor.halts import halt_causes
from executor.journal import settlement, transition_sql
from executor.journal.announced_openings import follow
from executor.journal.moved_opening_sql import AWAIT_STATED
from executor.journal.order_row import UNSTORABLE, in_ascii, order_of
from executor.model import AT_LARGE, FINAL, TABLE, Order, OrderEvent, OrderState, OrderUpdate, Reason, trade_of, worded
from executor.settings import LimitSettings
from shared.errors import PermanentError, readable
from shared.log_context import of_listing
from shared.postgres.database import Database
from shared.states import HELD, in_sql

log = structlog.get_logger(__name__)

TELL: Final = "INSERT INTO trade_outbox (event) VALUES ($1)"
IN_STATES: Final = "SELECT * FROM orders WHERE state = ANY($1) AND mode = ANY($2) ORDER BY created_at"
MISS: Final = "UPDATE orders SET misses = misses + 1 WHERE client_order_id = $1 AND state = 'unknown' RETURNING misses"
WAITS: Final = """
SELECT EXISTS (SELECT FROM orders WHERE client_order_id = $1 AND state = 'armed' AND fire_at = $2)
"""
ALARM: Final = """
UPDATE orders SET attention = $2 WHERE client_order_id = $1 AND attention IS NULL AND state = ANY($3) RETURNING *
"""
GIVEN_UP: Final = """
SELECT * FROM orders
WHERE state = 'failed' AND given_up_at IS NOT NULL AND mode = ANY($1) AND looked_again < $2 ORDER BY given_up_at
"""
KNOWN_IDS: Final = """
SELECT exchange_order_id FROM orders WHERE symbol = $1 AND exchange_order_id IS NOT NULL
UNION ALL
SELECT earlier.exchange_order_id FROM order_attempts AS earlier JOIN orders USING (client_order_id)
WHERE orders.symbol = $1 AND earlier.exchange_order_id IS NOT NULL
"""
# Coins of an external or a written-off position may be in the account or not.
HELD_OF: Final = f"""
SELECT
    coalesce(
        sum(base_qty) FILTER (WHERE state IN {in_sql(HELD)} AND state <> 'external'),
        CASE WHEN bool_or(state = 'closed' AND listing_key = $3) THEN 0 END
    ) AS held,
    coalesce(sum(base_qty) FILTER (WHERE state IN ('external', 'written_off')), 0) AS perhaps
FROM positions WHERE mode = $1 AND base_asset = $2
"""  # noqa: S608 - constants
LOOKED: Final = "UPDATE orders SET looked_again = $2 WHERE client_order_id = $1 AND looked_again < $2"
_ANNOUNCED: Final = FINAL | {OrderState.ARMED, OrderState.UNKNOWN}


class LostOrderError(PermanentError):
    """The database does not hold what it had confirmed of an order; *stands* is the order in it."""

    def __init__(self, message: str, stands: Order | None = None) -> None:
        super().__init__(message)
        self.stands = stands


class OrderTransitions:
    """Raises TransientError when the database is away, after which the step may or may not be taken: take it again."""

    def __init__(
        self,
        database: Database,
        limits: LimitSettings,
        *,
        outbox_filled: Callable[[], None],
        count: Callable[[Order, OrderUpdate], None],
        now: Callable[[], datetime],
        alarm: Alarm,
    ) -> None:
        self._database = database
        self._limits = limits
        self._outbox_filled = outbox_filled
        self._count = count
        self._now = now
        self._alarm = alarm

    async def record(self, order: Order, update: OrderUpdate) -> Order | None:
        """Commit *update* of *order*, and return it as it is then; None where it is past that already.

        Raises LostOrderError where it was committed before, and the journal does not know.
        Words that the database cannot hold are stored as far as it can: what happened matters, not how it was put.
        """
        reason = update.words
        try:
            return await self._recorded(order, update, reason)
        except UNSTORABLE as error:
            with of_listing(order.listing):
                log.warning("words that cannot be stored", order=order.client_order_id, reason=str(error))
        return await self._recorded(order, update, None if reason is None else in_ascii(reason))

    async def _recorded(self, order: Order, update: OrderUpdate, reason: str | None) -> Order | None:
        async with self._database.transaction() as connection:
            # What waits has no money reserved, and its firing holds the order before the exposure.
            if order.state is not OrderState.ARMED:
                await connection.execute(settlement.LOCK, order.mode)
            before = _kept(order, update, await connection.fetchrow(transition_sql.READ, order.client_order_id))
            taken = TABLE.get((before.state, update.event))
            if taken is None or _is_overtaken(order, before):
                return None
            values = _values(order, taken.state, update, reason) | {"now": self._now()}
            write = transition_sql.WRITE
            after = order_of(await connection.fetchrow(write.sql, *write.arguments(values)))
            if after.state is OrderState.ARMED and after.fire_at is None:
                stated = await connection.fetchrow(AWAIT_STATED, after.client_order_id, self._now())
                after = after if stated is None else order_of(stated)
            await settlement.settle(connection, after, taken.effect, update.fill, reserved=before.quote_qty)
            await settlement.count_failures(connection, after, update.event, self._limits.failures_max)
            if update.reason is Reason.PAIR_REFUSED:
                await halt_causes.halt_if_many_pairs_refused(connection, after, self._limits.pair_refusals_max)
            if after.state in _ANNOUNCED:
                again = update.event is OrderEvent.POSTPONED
                trade = trade_of(after, fill=update.fill, reason=reason, found_at=update.found_at, again=again)
                await connection.execute(TELL, trade.model_dump(mode="json"))
        self._outbox_filled()
        self._count(after, update)
        return after

    async def at_large(self, modes: Collection[str]) -> Sequence[Order]:
        """Return the orders that may be at the exchange and are not settled, oldest first."""
        return await self._in_states("orders at large", AT_LARGE, modes)

    async def armed(self, modes: Collection[str]) -> Sequence[Order]:
        """Return the orders that wait for an opening: for the latest word of any message or of dedup's ledger."""
        async with self._database.connection() as connection:
            await follow(connection)
        return await self._in_states("orders that wait", {OrderState.ARMED}, modes)

    async def waits(self, order: Order) -> bool:
        """Return whether *order* still waits, and for the same opening, also by what dedup's ledger knows now."""
        async with self._database.connection() as connection:
            await follow(connection)
            return bool(await connection.fetchval(WAITS, order.client_order_id, order.fire_at))

    async def missed(self, order: Order) -> int:
        """Count that an unknown *order* was looked for and not found; return how often in a row that was."""
        async with self._database.connection() as connection:
            return await connection.fetchval(MISS, order.client_order_id) or 0

    async def alarm(self, order: Order, why: str) -> bool:
        """Say for a person why *order* is not settled, unless that was said already or it is settled since."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(ALARM, order.client_order_id, why, list(AT_LARGE))
            if row is None:
                return False
            trade = trade_of(order_of(row), reason=worded(Reason.UNSETTLED, why))
            alarm = trade.model_copy(update={"id": f"{trade.id}.unsettled"})
            await connection.execute(TELL, alarm.model_dump(mode="json"))
        self._outbox_filled()
        return True

    async def given_up(self, modes: Collection[str], times_max: int) -> Sequence[Order]:
        """Return the orders that were given up and looked for again fewer times since, oldest first."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(GIVEN_UP, list(modes), times_max)
        return self._readable("orders given up", rows)

    async def appeared(self, order: Order, update: OrderUpdate) -> Order | None:
        """Count what an *order* got that was given up."""
        return await self.record(order, update)

    async def looked_again(self, order: Order, times: int) -> None:
        """Remember that an *order* which was given up was looked for so many times since."""
        async with self._database.connection() as connection:
            await connection.execute(LOOKED, order.client_order_id, times)

    async def known_ids(self, order: Order) -> set[str]:
        """Return the exchange's ids of all orders of the symbol of *order*."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(KNOWN_IDS, order.symbol)
        return {row["exchange_order_id"] for row in rows}

    async def held_of(self, order: Order) -> tuple[Decimal | None, Decimal]:
        """Return how much of the coin of *order* is to be there by the positions of its mode, and how much more may be.

        The first is None where it is not known, and zero where other sales have sold all of its own position.
        """
        async with self._database.connection() as connection:
            [row] = await connection.fetch(HELD_OF, order.mode, order.listing.base_asset, order.listing_key)
        return row["held"], row["perhaps"]

    async def _in_states(self, what: str, states: Collection[OrderState], modes: Collection[str]) -> Sequence[Order]:
        async with self._database.connection() as connection:
            rows = await connection.fetch(IN_STATES, list(states), list(modes))
        return self._readable(what, rows)

    def _readable(self, what: str, rows: Sequence[Record]) -> Sequence[Order]:
        """Return the orders in *rows* that can be read. A newer version may have written the others."""
        failed: list[str] = []
        orders = readable(rows, order_of, failed=lambda row, _: failed.append(row["client_order_id"]))
        self._alarm(what, unread(failed, what))
        return orders


def _kept(known: Order, update: OrderUpdate, row: Record | None) -> Order:
    """Return the order in *row*; raise LostOrderError where that is from before it was *known* as it is.

    Where it only waits, nothing of it is at the exchange, and it may wait as before.
    """
    if row is None:
        raise LostOrderError("the journal does not hold the order")
    stands = order_of(row)
    is_older = (stands.decided_at, stands.attempt) < (known.decided_at, known.attempt)
    if is_older and known.state is not OrderState.ARMED and update.event is not OrderEvent.POSTPONED:
        raise LostOrderError("the journal holds an older state of the order", stands)
    return stands


def _is_overtaken(known: Order, stands: Order) -> bool:
    """Return whether an order was attempted again since it was *known*, or fired, or waits for another opening.

    The finding of then says nothing about it now. Firing decides anew: a wait that is recorded twice, because the
    answer to its commit was lost, must not end the firing that came in between.
    """
    if (known.attempt, known.decided_at) != (stands.attempt, stands.decided_at):
        return True
    return known.state is OrderState.ARMED and (stands.state, stands.fire_at) != (known.state, known.fire_at)


def _values(order: Order, state: OrderState, update: OrderUpdate, reason: str | None) -> dict[str, object]:
    fill = update.fill
    return {
        "client_order_id": order.client_order_id,
        "state": state,
        "executed_qty": Decimal(0) if fill is None else fill.base_qty,
        "cost": Decimal(0) if fill is None else fill.cost,
        "fee": None if fill is None else fill.fee,
        "fee_asset": None if fill is None else fill.fee_asset,
        "fees": None if fill is None else {asset: f"{fee:f}" for asset, fee in fill.fees.items()},
        "error_reason": reason,
        "exchange_order_id": update.exchange_order_id,
        "answered_at": update.answered_at,
        "send_until": update.send_until,
        "request": update.request,
        "attempts": update.attempts,
        "tried_opening": order.listing.opens_at,
        "given_up_at": update.given_up_at,
        "price_max": update.price_max,
        "fires_again": update.fires_again,
    }
