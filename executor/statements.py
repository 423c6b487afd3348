"""The journal's SQL. Each statement settles one step, because each one is a round trip on the way to an order."""

from typing import Final

# The share lock makes a change of the limits wait for the decisions under way, and hold for every one after it.
READ: Final = """
WITH config AS (
    SELECT max_trade_usdt, max_position_usdt, auto_trade, halted, updated_at FROM trade_config WHERE id = 1 FOR SHARE
)
SELECT
    config.*,
    exposure.reserved_usdt + exposure.filled_usdt AS committed_usdt,
    orders.symbol, orders.client_order_id, orders.quote_qty, orders.config, orders.decided_at, orders.trade
FROM exposure
LEFT JOIN config ON true
LEFT JOIN orders ON orders.listing_key = $1 AND orders.mode = exposure.mode AND orders.side = $3
WHERE exposure.mode = $2
"""

REFUSE: Final = """
INSERT INTO orders (listing_key, mode, side, symbol, client_order_id, quote_qty, config, decided_at, state, trade)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'rejected', $9)
ON CONFLICT DO NOTHING
RETURNING true
"""

# No conflict target: with one, a race can still fail on the other unique index, that of the client order id.
# Orders before exposure, here as in CLOSE: one order of locks, so no deadlock.
RESERVE: Final = """
WITH placed AS (
    INSERT INTO orders
        (listing_key, mode, side, symbol, client_order_id, quote_qty, config, decided_at, listing, state)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10, 'sending')
    ON CONFLICT DO NOTHING
    RETURNING quote_qty, mode
)
UPDATE exposure SET reserved_usdt = reserved_usdt + placed.quote_qty
FROM placed
WHERE exposure.mode = placed.mode AND reserved_usdt + filled_usdt + placed.quote_qty <= $9
RETURNING true
"""

CLOSE: Final = """
WITH closed AS (
    UPDATE orders SET state = $2, trade = $3, updated_at = now()
    WHERE client_order_id = $1 AND state = 'sending'
    RETURNING quote_qty, mode
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
