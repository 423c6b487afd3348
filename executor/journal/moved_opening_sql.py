"""SQL for news of a listing that is decided on: its opening moved, or its announcement was received."""

from typing import Final

from executor.journal.order_row import named

# The opening of an order that waits moved; or of one that is being sent, which may have to wait for it after all. The
# latest word stands, in whatever order the words arrive; and to hear again of an opening at which it stayed closed
# is no reason to try again.
MOVE: Final = named("""
UPDATE orders SET
    fire_at = CASE
        WHEN state = 'armed' AND (listing ->> 'opens_at')::timestamptz IS DISTINCT FROM :opens_at
            AND (listing ->> 'opens_at' IS NULL OR (listing ->> 'observed_at')::timestamptz <= :observed_at)
            THEN :opens_at
        ELSE fire_at
    END,
    listing = CASE
        WHEN listing ->> 'opens_at' IS NULL OR (listing ->> 'observed_at')::timestamptz <= :observed_at
            THEN :listing::text::jsonb
        ELSE listing
    END,
    updated_at = now()
WHERE listing_key = :listing_key AND side = 'BUY' AND state IN ('armed', 'sending')
RETURNING true
""")

# A listing bought before its announcement was received is announced now: its trades may follow.
ANNOUNCED: Final = named("DELETE FROM unannounced_listings WHERE listing_key = :listing_key")
