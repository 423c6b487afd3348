"""Operator settlement: settle orders that the exchange does not explain, as an operator requested."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final

import structlog
from asyncpg import Record

from executor.journal.order_row import about_row, order_of
from executor.journal.order_transitions import OrderTransitions
from executor.model import Fill, Order, OrderEvent, OrderState, OrderUpdate, Reason, Refusal
from executor.sending.order_sender import OrderSender
from shared.errors import TransientError, pause
from shared.mexc.symbols import normalise
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 1.0
# The latest request for each order, as long as it can change something: one that was taken back is none, whatever
# became of the order since. One that is being sent is not in doubt yet. What was decided before another attempt began
# was about the one before, and before an order was given up about one in doubt: all by the database's clock.
PENDING: Final = """
SELECT
    orders.*, decided.base_qty AS decided_qty, decided.cost AS decided_cost, decided.fee AS decided_fee,
    decided.fee_asset AS decided_fee_asset, decided.reason AS decided_reason, decided.requested_by
FROM (
    SELECT DISTINCT ON (client_order_id) * FROM settle_requests ORDER BY client_order_id, id DESC
) AS decided JOIN orders USING (client_order_id)
WHERE (
    orders.state IN ('acknowledged', 'unknown')
    OR orders.state = 'failed' AND orders.given_up_at IS NOT NULL AND orders.updated_at < decided.created_at
        AND decided.base_qty IS NOT NULL
) AND NOT EXISTS (
    SELECT FROM order_attempts AS earlier
    WHERE earlier.client_order_id = orders.client_order_id AND earlier.created_at >= decided.created_at
)
ORDER BY orders.client_order_id
"""


class OperatorSettlement:
    def __init__(
        self, database: Database, transitions: OrderTransitions, sender: OrderSender, *, now: Callable[[], datetime]
    ) -> None:
        self._database = database
        self._transitions = transitions
        self._sender = sender
        self._now = now

    async def run(self, until: asyncio.Event) -> None:
        """Settle requested orders every second, until *until* is set."""
        while not until.is_set():
            try:
                await self.carry_out()
            except TransientError as error:
                log.debug("what operators decided was not read", reason=str(error))
            except Exception:
                # An error of one round must not end the loop.
                log.exception("what operators decided was not read")
            await pause(EVERY_SECONDS, until)

    async def carry_out(self) -> None:
        """Settle each requested order once."""
        async with self._database.connection() as connection:
            rows = await connection.fetch(PENDING)
        for row in rows:
            with about_row(row):
                try:
                    await self.settle(row)
                except TransientError:
                    raise
                except Exception:
                    # An error with one request must not stop the others.
                    log.exception("what an operator decided was not carried out", order=row["client_order_id"])

    async def settle(self, row: Record) -> None:
        """Settle one order, unless it is being sent."""
        order = order_of(row)
        if self._sender.has_in_hand(order):
            return
        why = Refusal(Reason.SETTLED_BY_HAND, f"{row['requested_by']}: {row['decided_reason']}")
        fill = decided_fill(order, row)
        given_up_at = self._now() if fill is None else None
        update = OrderUpdate(settlement_event(order, fill), why, fill, given_up_at=given_up_at)
        await self._transitions.record(order, update)
        log.warning("an order was settled by hand", order=order.client_order_id, symbol=order.symbol, reason=str(why))


def decided_fill(order: Order, row: Record) -> Fill | None:
    """Return the fill that the operator named; None where the order is written off."""
    if row["decided_qty"] is None:
        return None
    wanted = order.requested_qty or order.base_qty
    fee_asset = normalise(row["decided_fee_asset"] or order.listing.quote_asset)
    complete = wanted is None or row["decided_qty"] >= wanted
    fee = row["decided_fee"] or Decimal(0)
    return Fill(row["decided_qty"], row["decided_cost"], fee, fee_asset, complete)


def settlement_event(order: Order, fill: Fill | None) -> OrderEvent:
    """Return the event by which *order* is settled with *fill*."""
    if fill is None:
        return OrderEvent.WRITTEN_OFF
    if order.state is OrderState.FAILED:
        return OrderEvent.APPEARED_FILLED if fill.complete else OrderEvent.APPEARED_PARTLY_FILLED
    return OrderEvent.FOUND_FILLED if fill.complete else OrderEvent.FOUND_PARTLY_FILLED
