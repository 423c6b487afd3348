"""SQL that reserves exposure and fences orders: what a decision reads, then the order with its reservation, or a sale.

Each statement settles one step, because each one is a round trip.
"""

from typing import Final

from executor.journal.order_row import Statement, named
from shared.states import AT_LARGE, in_sql

# A clock that is a little behind another, or steps back over midnight, must not begin a day anew.
_TODAY: Final = "exposure.day BETWEEN :today::date AND :today::date + 1"
_AT_LARGE: Final = in_sql(AT_LARGE)


def _held(mode: str) -> str:
    """Return whether the coin is held or being bought already, through another listing of it."""
    return f"""
        EXISTS (
            SELECT FROM orders
            WHERE orders.mode = {mode} AND orders.base_asset = :base_asset AND orders.side = 'BUY'
                AND orders.state IN {_AT_LARGE} AND orders.listing_key <> :listing_key
        ) OR EXISTS (
            SELECT FROM positions
            WHERE positions.mode = {mode} AND positions.base_asset = :base_asset
                AND positions.state IN ('open', 'closing', 'external', 'unsellable')
                AND positions.listing_key <> :listing_key
        )
    """  # noqa: S608 - constants


# Everything a decision is made of, as of one moment. The mode follows from the configuration that is read with it.
# xmin names this version of the config's row: a reservation holds for no other.
READ: Final = named(f"""
SELECT
    exposure.mode,
    exposure.reserved_usdt + exposure.filled_usdt AS committed_usdt,
    exposure.recent_orders,
    CASE WHEN {_TODAY} THEN exposure.day_orders ELSE 0 END AS day_orders,
    CASE WHEN {_TODAY} THEN exposure.day_spent_usdt ELSE 0 END AS day_spent_usdt,
    config.max_trade_usdt, config.max_position_usdt, config.auto_trade, config.updated_at,
    config.auto_trade_until, config.entry_slippage_pct,
    config.xmin::text AS version,
    CASE
        WHEN config.halted THEN 'operator: ' || config.halted_reason
        ELSE coalesce((
            SELECT halts.cause || ': ' || halts.reason FROM halts
            WHERE halts.created_at > config.resumed_at AND (halts.mode IS NULL OR halts.mode = exposure.mode)
            ORDER BY halts.created_at LIMIT 1
        ), '')
    END AS halted,
    standing.state AS standing,
    waiting.fire_at AS waits_until,
    {_held("exposure.mode")} AS base_held
FROM exposure
LEFT JOIN trade_config AS config ON config.id = 1
LEFT JOIN orders AS standing
    ON standing.listing_key = :listing_key AND standing.mode = exposure.mode AND standing.side = 'BUY'
LEFT JOIN orders AS waiting ON waiting.client_order_id = :waiting::varchar AND waiting.state = 'armed'
WHERE exposure.mode = CASE
    WHEN :live::boolean AND coalesce(config.auto_trade, false)
        AND (config.auto_trade_until IS NULL OR config.auto_trade_until > :now::timestamptz) THEN 'live'
    ELSE 'dry-run'
END
""")  # noqa: S608 - constants

_COLUMNS: Final = """
    listing_key, mode, side, sequence, symbol, base_asset, client_order_id, quote_qty, base_qty, config, decided_at,
    send_until, fire_at, exit_reason, price_min, state, error_reason, listing
"""
_OWN: Final = """
    :listing_key, :mode, :side, :sequence, :symbol, :base_asset, :client_order_id, :quote_qty::numeric, :base_qty,
    :config::text::jsonb, :decided_at::timestamptz, :send_until, :fire_at, :exit_reason, :price_min, :state,
    :error_reason
"""
_VALUES: Final = f"{_OWN}, :listing::text::jsonb"

# An order for which nothing is reserved, a refusal or one that waits, together with its trade.
ADD: Final = named(f"""
WITH added AS (
    INSERT INTO orders ({_COLUMNS}) VALUES ({_VALUES}) ON CONFLICT DO NOTHING RETURNING true
)
INSERT INTO trade_outbox (event) SELECT :trade::text::jsonb FROM added RETURNING true
""")  # noqa: S608 - constants

# The same comparisons as executor.decisions.limits.exceeded_limit, which finds the reason: here they hold.
_RESERVED: Final = f"""
    UPDATE exposure SET
        reserved_usdt = reserved_usdt + :quote_qty::numeric,
        ceiling_usdt = :max_position_usdt::numeric,
        recent_orders = (array_prepend(:decided_at::timestamptz, recent_orders))[1 : :orders_per_minute::int],
        day = CASE WHEN {_TODAY} THEN day ELSE :today END,
        day_orders = CASE WHEN {_TODAY} THEN day_orders ELSE 0 END + 1,
        day_spent_usdt = CASE WHEN {_TODAY} THEN day_spent_usdt ELSE 0 END + :quote_qty::numeric
    FROM config
    WHERE exposure.mode = :mode
        AND reserved_usdt + filled_usdt + :quote_qty::numeric <= :max_position_usdt::numeric
        AND (
            recent_orders[:orders_per_minute::int] IS NULL
            OR recent_orders[:orders_per_minute::int] <= :decided_at::timestamptz - interval '1 minute'
        )
        AND CASE WHEN {_TODAY} THEN day_orders ELSE 0 END < :orders_per_day::int
        AND CASE WHEN {_TODAY} THEN day_spent_usdt ELSE 0 END + :quote_qty::numeric <= :daily_spend_usdt::numeric
        AND NOT ({_held(":mode")})
    RETURNING true
"""  # noqa: S608 - constants

_HALTED: Final = """EXISTS (
    SELECT FROM halts WHERE created_at > trade_config.resumed_at AND (halts.mode IS NULL OR halts.mode = :mode)
)"""


# One transaction in one statement: the config is the one that was decided on, and stays so until this is committed,
# which is what the share lock is for; nothing halts; there is room under every limit; and the order is new. Else
# nothing is written: a duplicate fails the whole statement. The row of exposure makes deciders take turns.
def reserving(*beside: str, unless: str = "") -> Statement:
    """Return the statement that commits an order with its reservation, and the rows inserted *beside* it with both.

    Each of *beside* is an insertion that ends with what it selects. Nothing is written where *unless* holds.
    """
    rows = "".join(f", beside_{number} AS ({each} FROM reserved)" for number, each in enumerate(beside))
    return named(f"""
WITH config AS (
    SELECT FROM trade_config WHERE id = 1 AND xmin::text = :version AND NOT {_HALTED}{unless and f" AND NOT {unless}"}
    FOR SHARE
), reserved AS ({_RESERVED}){rows}
INSERT INTO orders ({_COLUMNS}) SELECT {_VALUES} FROM reserved RETURNING true
""")  # noqa: S608 - constants


RESERVE: Final = reserving()

# The same for an order that waited, for this very opening, and still does: only one executor can fire it. It is locked
# before the exposure, unlike anywhere else. That cannot deadlock: while it is armed no holder of the exposure
# wants it, because what ends it takes no exposure (order_transitions).
FIRE: Final = named(f"""
WITH waiting AS (
    SELECT FROM orders WHERE client_order_id = :client_order_id AND state = 'armed' AND fire_at = :fire_at FOR UPDATE
), config AS (
    SELECT FROM trade_config, waiting
    WHERE id = 1 AND trade_config.xmin::text = :version AND NOT {_HALTED} FOR SHARE OF trade_config
), reserved AS ({_RESERVED})
UPDATE orders SET
    quote_qty = :quote_qty::numeric, config = :config::text::jsonb, decided_at = :decided_at::timestamptz,
    send_until = :send_until, state = :state,
    -- What became of it before it waited says nothing of the next request, least of all how much that may get. Only
    -- the number of those before stays: something was sent.
    answered_at = NULL, request = NULL, price_max = NULL, exchange_order_id = NULL, error_reason = NULL,
    updated_at = now()
FROM reserved
WHERE orders.client_order_id = :client_order_id
RETURNING true
""")  # noqa: S608 - constants

# A sale: only one at a time of a position, and only of one that is held; or one more where another is in doubt. Its
# listing is the position's: to write it out takes longer than the rest of the way to this statement.
SELL: Final = named(f"""
WITH closing AS (
    UPDATE positions SET state = 'closing', sales = sales + 1, updated_at = now()
    WHERE listing_key = :listing_key AND mode = :mode AND sales = :sequence - 1
        AND (state = 'open' OR (state = 'closing' AND :beside::boolean))
    RETURNING listing
)
INSERT INTO orders ({_COLUMNS}) SELECT {_OWN}, closing.listing FROM closing RETURNING true
""")  # noqa: S608 - constants
