"""SQL of a step of an order: read it under its lock, and write what it is then."""

from typing import Final

from executor.journal.order_row import named

READ: Final = "SELECT * FROM orders WHERE client_order_id = $1 FOR UPDATE"
WRITE: Final = named("""
UPDATE orders SET
    state = :state::varchar,
    -- What waits has nothing reserved.
    quote_qty = CASE WHEN :state::varchar = 'armed' THEN 0 ELSE quote_qty END,
    executed_qty = :executed_qty, cost = :cost, fee = :fee, fee_asset = :fee_asset,
    fees = :fees::jsonb,
    error_reason = :error_reason,
    exchange_order_id = coalesce(:exchange_order_id, exchange_order_id),
    answered_at = coalesce(answered_at, :answered_at),
    send_until = least(send_until, :send_until),
    request = coalesce(:request::jsonb, request),
    attempts = greatest(attempts, :attempts),
    price_max = coalesce(:price_max, price_max),
    -- What waits again waits for an opening that became known meanwhile, also one that has passed since; or for one
    -- that is not known yet. Times are compared with ours: the database's clock is another.
    fire_at = CASE
        WHEN :state::varchar <> 'armed' THEN fire_at
        WHEN (listing ->> 'opens_at')::timestamptz > :now
            OR (listing ->> 'opens_at')::timestamptz IS DISTINCT FROM :tried_opening
            THEN (listing ->> 'opens_at')::timestamptz
        -- It was about to be sent, and still is: by the next executor, at once.
        WHEN :fires_again::boolean THEN coalesce(fire_at, :now)
    END,
    given_up_at = coalesce(:given_up_at, given_up_at),
    attention = NULL, misses = 0, updated_at = now()
WHERE client_order_id = :client_order_id
RETURNING *
""")
