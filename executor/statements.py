"""The journal's SQL. Each statement settles one step, because each one is a round trip on the way to an order."""

from typing import Final

# xmin names this version of the config's row: RESERVE holds for no other.
READ: Final = """
SELECT
    config.max_trade_usdt, config.max_position_usdt, config.auto_trade, config.halted, config.updated_at,
    config.xmin::text AS version,
    exposure.reserved_usdt + exposure.filled_usdt AS committed_usdt,
    orders.symbol, orders.client_order_id, orders.quote_qty, orders.config, orders.decided_at, orders.trade
FROM exposure
LEFT JOIN trade_config AS config ON config.id = 1
LEFT JOIN orders ON orders.listing_key = $1 AND orders.mode = exposure.mode AND orders.side = $3
WHERE exposure.mode = $2
"""

REFUSE: Final = """
INSERT INTO orders (listing_key, mode, side, symbol, client_order_id, quote_qty, config, decided_at, state, trade)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'rejected', $9)
ON CONFLICT DO NOTHING
RETURNING true
"""

# One transaction in one statement: the config is the one that was decided on, and stays so until this is committed,
# which is what the share lock is for; there is room under its limit; and the order is new. Else nothing is written:
# a duplicate fails the whole statement.
# Exposure before orders, here as in CLOSE: one order of locks, so no deadlock.
RESERVE: Final = """
WITH config AS (
    SELECT FROM trade_config WHERE id = 1 AND xmin::text = $9 FOR SHARE
), reserved AS (
    UPDATE exposure SET reserved_usdt = reserved_usdt + $6::numeric
    FROM config
    WHERE exposure.mode = $2 AND reserved_usdt + filled_usdt + $6::numeric <= $10
    RETURNING exposure.mode
)
INSERT INTO orders (listing_key, mode, side, symbol, client_order_id, quote_qty, config, decided_at, listing, state)
SELECT $1, reserved.mode, $3, $4, $5, $6::numeric, $7, $8, $11, 'sending' FROM reserved
RETURNING true
"""

CLOSE: Final = """
WITH held AS (
    SELECT mode FROM exposure WHERE mode = (SELECT mode FROM orders WHERE client_order_id = $1) FOR UPDATE
), closed AS (
    UPDATE orders SET state = $2, trade = $3, updated_at = now()
    FROM held
    WHERE client_order_id = $1 AND state = 'sending' AND orders.mode = held.mode
    RETURNING quote_qty, orders.mode
)
UPDATE exposure SET reserved_usdt = reserved_usdt - closed.quote_qty, filled_usdt = filled_usdt + $4
FROM closed
WHERE exposure.mode = closed.mode
RETURNING true
"""

TRADE: Final = "SELECT trade FROM orders WHERE client_order_id = $1"
EXPOSURE: Final = "SELECT reserved_usdt, filled_usdt FROM exposure WHERE mode = $1"
ABANDONED: Final = """
SELECT listing FROM orders
WHERE state = 'sending' AND mode = $1 AND decided_at < $2
ORDER BY created_at LIMIT $3
"""
