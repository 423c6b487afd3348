"""Pair refusals: count symbols that the exchange bars us from; several in a row mean that it refuses our keys.

The count is read from the orders, so it survives a restart.
"""

from typing import Final

from executor.halts import latches
from executor.model.order import Order
from executor.model.reasons import Reason
from shared.events import Side
from shared.postgres.database import Connection

# In a row: since an order was last taken, and since trading was last resumed.
COUNT: Final = """
WITH since AS (
    SELECT greatest(
        coalesce((SELECT resumed_at FROM trade_config WHERE id = 1), '-infinity'),
        coalesce((
            SELECT max(updated_at) FROM orders WHERE mode = $1 AND side = 'BUY' AND exchange_order_id IS NOT NULL
        ), '-infinity')
    ) AS at
)
SELECT count(DISTINCT orders.symbol) FROM orders, since
WHERE orders.mode = $1 AND orders.side = 'BUY' AND orders.state = 'rejected' AND orders.updated_at > since.at
    AND left(orders.error_reason, length($2::text)) = $2::text
"""


async def halt_if_too_many(connection: Connection, order: Order, reason: Reason | None, most: int) -> None:
    """Latch the halt of the mode of *order* where it is the *most*-th symbol in a row that was refused as a pair."""
    if order.side is Side.SELL or reason is not Reason.PAIR_REFUSED:
        return
    symbols = await connection.fetchval(COUNT, order.mode, Reason.PAIR_REFUSED)
    if symbols >= most:
        words = f"{symbols} symbols in a row are barred to us, last {order.symbol}"
        await latches.latch(connection, latches.HaltCause.CREDENTIALS, order.mode, words)
