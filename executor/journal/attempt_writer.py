"""The journal of further attempts: each is committed before it is sent, and those before it are never forgotten."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

import structlog
from asyncpg import Record

from executor.decisions.repeat_purchases import RepeatConditions, repeat_refusal
from executor.decisions.strategy import Unready
from executor.journal import order_transitions, settlement, transition_sql
from executor.journal.order_row import about_row, order_of, requested_qty
from executor.model import (
    TABLE,
    Order,
    OrderEvent,
    OrderState,
    OrderUpdate,
    Reason,
    Refusal,
    client_order_id,
    trade_of,
)
from shared.errors import in_a_line, readable
from shared.events import Mode, Source
from shared.postgres.database import Connection, Database

log = structlog.get_logger(__name__)

# Locked in the order in which a first attempt is committed: the configuration, the exposure, the order.
CONDITIONS: Final = """
SELECT
    auto_trade AND (auto_trade_until IS NULL OR auto_trade_until > $2) AS auto_trade, max_trade_usdt, max_position_usdt,
    CASE
        WHEN halted THEN 'operator: ' || halted_reason
        ELSE coalesce((
            SELECT halts.cause || ': ' || halts.reason FROM halts
            WHERE halts.created_at > trade_config.resumed_at AND (halts.mode IS NULL OR halts.mode = $1)
            ORDER BY halts.created_at LIMIT 1
        ), '')
    END AS halted
FROM trade_config WHERE id = 1 FOR SHARE
"""
COMMITTED: Final = "SELECT reserved_usdt + filled_usdt FROM exposure WHERE mode = $1"
KEEP: Final = """
INSERT INTO order_attempts (attempt_id, client_order_id, number, exchange_order_id, request, answered_at, ended_at)
SELECT
    coalesce(attempt_id, client_order_id), client_order_id, attempt, coalesce($2, exchange_order_id), request,
    coalesce(answered_at, $3), $4
FROM orders WHERE client_order_id = $1
"""
# The answer to the attempt before says nothing of this one. As with a first attempt, its request is known once it is
# answered: a price that is refused makes it another.
BEGIN: Final = """
UPDATE orders SET
    state = $2, attempt = attempt + 1, attempt_id = $3, send_until = $4, request = NULL,
    price_max = coalesce(price_max, $5), exchange_order_id = NULL, answered_at = NULL, attention = NULL, misses = 0,
    updated_at = now()
WHERE client_order_id = $1
RETURNING *
"""
EARLIER: Final = """
SELECT
    orders.*, earlier.attempt_id AS earlier_id, earlier.number AS earlier_number, earlier.ended_at AS earlier_ended_at,
    earlier.exchange_order_id AS earlier_exchange_id, earlier.request AS earlier_request,
    earlier.answered_at AS earlier_answered_at, earlier.looked_again AS earlier_looks
FROM order_attempts AS earlier JOIN orders USING (client_order_id)
WHERE earlier.appeared_at IS NULL AND orders.mode = ANY($1) AND earlier.looked_again < $2
ORDER BY earlier.ended_at
"""
LOOKED: Final = "UPDATE order_attempts SET looked_again = $2 WHERE attempt_id = $1 AND looked_again < $2"
# By the database's clock, which stamps what people ask for, too: a write-off counts for what was known by then.
APPEARED: Final = """
UPDATE order_attempts SET
    appeared_at = clock_timestamp(), executed_qty = $2, cost = $3, fees = $4,
    exchange_order_id = coalesce($5, exchange_order_id)
WHERE attempt_id = $1 AND appeared_at IS NULL
RETURNING true
"""


class AttemptWriter:
    """Raises TransientError when the database is away, after which a step may or may not be taken."""

    def __init__(
        self,
        database: Database,
        *,
        live: bool,
        unready: Unready,
        outbox_filled: Callable[[], None],
        count: Callable[[Order, Reason | None], None],
        now: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._live = live
        self._unready = unready
        self._outbox_filled = outbox_filled
        self._count = count
        self._now = now

    async def begin(self, order: Order, until: datetime) -> Order | Refusal | None:
        """Commit that *order*, whose attempt ended with nothing filled, is attempted again, *until* then at most.

        Returns the order to send, or what stands against it; None where it has gone on without us.
        """
        unready = self._unready() if order.mode is Mode.LIVE else None
        if unready is not None:
            return unready
        async with self._database.transaction() as connection:
            conditions = await self._conditions(connection, order)
            stands = order_of(await connection.fetchrow(transition_sql.READ, order.client_order_id))
            step = TABLE.get((stands.state, OrderEvent.RETRIED))
            if step is None or (stands.state, stands.attempt) != (order.state, order.attempt):
                return None
            refused = Refusal(Reason.CONFIG_MISSING) if conditions is None else repeat_refusal(order, conditions)
            if refused is not None:
                return refused
            name, now = order.client_order_id, self._now()
            await connection.execute(KEEP, name, order.exchange_order_id, order.answered_at, now)
            attempt_id = further_id(order)
            begun = await connection.fetchrow(BEGIN, name, step.state, attempt_id, until, order.price_max)
            again = order_of(begun)
        self._count(again, Reason.NOT_FILLED)
        return again

    async def given_up(self, modes: Collection[str], times_max: int) -> Sequence[Order]:
        """Return the attempts that others followed, each as its order was then, looked for fewer times since."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(EARLIER, list(modes), times_max)
        return readable(rows, _earlier, failed=_passed_over)

    async def looked_again(self, order: Order, times: int) -> None:
        """Remember that the attempt of *order* was looked for so many times since it ended."""
        async with self._database.connection() as connection:
            await connection.execute(LOOKED, order.sent_as, times)

    async def appeared(self, order: Order, update: OrderUpdate) -> None:
        """Count the late fill of the attempt of *order*, once, beside the fill of another attempt."""
        fill, exchange_id = update.fill, update.exchange_order_id
        assert fill is not None
        fees = {asset: f"{fee:f}" for asset, fee in fill.fees.items()}
        state = TABLE[OrderState.FAILED, update.event].state
        async with self._database.transaction() as connection:
            await connection.execute(settlement.LOCK, order.mode)
            values = (order.sent_as, fill.base_qty, fill.cost, fees, exchange_id)
            if not await connection.fetchval(APPEARED, *values):
                return
            await settlement.add(connection, order, fill)
            # Under a name of its own: the order's belongs to its last attempt.
            named = f"{order.client_order_id}.{order.attempt}"
            shown = replace(order, client_order_id=named, state=state, exchange_order_id=exchange_id)
            trade = trade_of(shown, fill=fill, reason=update.words, found_at=update.found_at)
            await connection.execute(order_transitions.TELL, trade.model_dump(mode="json"))
        self._outbox_filled()
        self._count(shown, update.reason)

    async def _conditions(self, connection: Connection, order: Order) -> RepeatConditions | None:
        config = await connection.fetchrow(CONDITIONS, order.mode, self._now())
        await connection.execute(settlement.LOCK, order.mode)
        if config is None:
            return None
        is_live = self._live and config["auto_trade"] and order.listing.source is not Source.TEST_INJECTION
        committed = await connection.fetchval(COMMITTED, order.mode)
        return RepeatConditions(
            mode=Mode.LIVE if is_live else Mode.DRY_RUN,
            halted=config["halted"],
            max_trade_usdt=config["max_trade_usdt"],
            max_position_usdt=config["max_position_usdt"],
            committed_usdt=Decimal(committed),
        )


def further_id(order: Order) -> str:
    """Return the id at the exchange of the attempt that follows that of *order*."""
    return client_order_id(order.listing_key, order.mode, order.side, order.sequence, attempt=order.attempt + 1)


def _earlier(row: Record) -> Order:
    number = row["earlier_number"]
    return replace(
        order_of(row),
        attempt=number,
        attempt_id=None if number == 1 else row["earlier_id"],
        exchange_order_id=row["earlier_exchange_id"],
        requested_qty=requested_qty(row["earlier_request"]),
        answered_at=row["earlier_answered_at"],
        given_up_at=row["earlier_ended_at"],
        looked_again=row["earlier_looks"],
    )


def _passed_over(row: Record, error: Exception) -> None:
    with about_row(row):
        log.error("an earlier attempt cannot be read", order=row["earlier_id"], reason=in_a_line(error))
