"""Positions that ended from a moment on, each with what it came to. SQL alone."""

from typing import Final

# Where a version took part that did not keep what a result needs: a trade tells what was spent with its fee, and a
# position what its sales brought without theirs.
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
