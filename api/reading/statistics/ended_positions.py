"""SQL of the positions ended since a time, with their results."""

from typing import Final

# Without a stored result, as of older versions: amounts spent with fees from trades, proceeds without fees from the
# position.
ENDED: Final = """
    SELECT
        positions.mode, positions.closed_at,
        coalesce(position_results.result_usdt, positions.received_usdt - bought.spent) AS result
    FROM positions
    LEFT JOIN position_results USING (listing_key, mode)
    LEFT JOIN LATERAL (
        SELECT sum(trades.quote_qty) AS spent FROM trades
        WHERE position_results.result_usdt IS NULL
            AND trades.listing_key = positions.listing_key AND trades.mode = positions.mode
            AND trades.side = 'BUY' AND trades.status = 'filled'
    ) AS bought ON true
    WHERE positions.closed_at >= $1 AND coalesce(position_results.result_usdt, bought.spent) IS NOT NULL
"""
