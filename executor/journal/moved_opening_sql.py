"""SQL for news of a listing that is decided on: its opening moved, or its announcement was received."""

from typing import Final

from executor.journal.order_row import named

# The opening of an order that waits moved; or of one that is being sent, which may have to wait for it after all. The
# latest word stands, in whatever order the words arrive; and to hear again of an opening at which it stayed closed
# is no reason to try again. An opening that was stated is kept where one was seen before it: a book with both sides may
# have been no opening.
MOVE: Final = named("""
UPDATE orders SET
    fire_at = CASE
        WHEN state = 'armed' AND (listing ->> 'opens_at')::timestamptz IS DISTINCT FROM :opens_at
            AND (listing ->> 'opens_at' IS NULL OR (listing ->> 'observed_at')::timestamptz <= :observed_at)
            THEN :opens_at
        ELSE fire_at
    END,
    stated_opening = CASE
        WHEN (listing ->> 'observed_at')::timestamptz > :observed_at THEN stated_opening
        WHEN :opens_at::timestamptz > :observed_at::timestamptz THEN NULL
        WHEN (listing ->> 'opens_at')::timestamptz > (listing ->> 'observed_at')::timestamptz
            THEN (listing ->> 'opens_at')::timestamptz
        ELSE stated_opening
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

# An order that found its symbol closed at an opening that was merely seen waits for the one that was stated, where that
# is still to come.
AWAIT_STATED: Final = """
UPDATE orders SET
    fire_at = stated_opening, stated_opening = NULL,
    listing = jsonb_set(listing, '{opens_at}', to_jsonb(stated_opening))
WHERE client_order_id = $1 AND state = 'armed' AND fire_at IS NULL AND stated_opening > $2
RETURNING *
"""

# What was refused for its time alone, or whose opening passed without an attempt, waits for the opening of a later
# word. It is decided on anew: nothing of it is reserved, and nothing was ever sent. A refusal yields to an opening that
# is stated and ahead, and to one that was seen where the listing was watched from its first moment; a passed opening to
# any later one.
REOPEN: Final = named("""
UPDATE orders SET
    state = 'armed', fire_at = :opens_at, listing = :listing::text::jsonb, decided_at = :decided_at,
    send_until = :send_until, stated_opening = NULL, error_reason = NULL, updated_at = now()
WHERE listing_key = :listing_key AND side = 'BUY' AND attempts = 0 AND request IS NULL
    AND (listing ->> 'opens_at' IS NULL OR (listing ->> 'observed_at')::timestamptz <= :observed_at)
    AND (
        state = 'rejected' AND quote_qty = 0 AND (:is_stated::boolean OR (listing ->> 'late')::boolean IS FALSE)
            AND split_part(error_reason, ':', 1) IN ('stale_listing', 'opening_too_far')
        OR state = 'expired' AND split_part(error_reason, ':', 1) = 'opening_passed'
            AND (listing ->> 'opens_at' IS NULL OR (listing ->> 'opens_at')::timestamptz < :opens_at)
    )
RETURNING *
""")

# A listing bought before its announcement was received is announced now: its trades may follow.
ANNOUNCED: Final = named("DELETE FROM unannounced_listings WHERE listing_key = :listing_key")
