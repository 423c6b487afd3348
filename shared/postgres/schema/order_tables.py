"""Tables of the executor's orders: journal, attempts, exposure, outbox of trades, and halts."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.postgres.schema.columns import TIME, created_at, id_column, metadata
from shared.states import AT_LARGE, UNSETTLED, OrderState, in_sql

# Journal: one row per order, committed before anything is sent. A listing is bought once in each mode, forever: the
# fence against double orders. Sales count up.
orders = Table(
    "orders",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("mode", String(7), nullable=False),
    Column("side", String(4), nullable=False),
    # Number of the sale of a position.
    Column("sequence", Integer, nullable=False, server_default=text("1")),
    Column("symbol", String(20), nullable=False),
    Column("base_asset", String(40), nullable=False, server_default=""),
    Column("client_order_id", String(32), nullable=False, unique=True),
    Column("state", String(20), nullable=False),
    # Reserved for a purchase; zero for a refused one.
    Column("quote_qty", Numeric(12, 2), nullable=False),
    # Quantity to sell.
    Column("base_qty", Numeric),
    Column("config", JSONB, nullable=False),
    Column("decided_at", TIME, nullable=False),
    # Opening that an armed order waits for.
    Column("fire_at", TIME),
    # Opening that was stated, where one that was seen before it took its place.
    Column("stated_opening", TIME),
    # Send deadline; an order not found after it was never placed.
    Column("send_until", TIME, nullable=False),
    Column("exit_reason", String(20)),
    # Least price of a sale; follows from its reason.
    Column("price_min", Numeric),
    Column("listing", JSONB, nullable=False),
    # Last request, number of attempts, and answer.
    Column("request", JSONB),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("answered_at", TIME),
    Column("exchange_order_id", String(64)),
    # Consecutive look-ups that did not find it.
    Column("misses", Integer, nullable=False, server_default=text("0")),
    Column("executed_qty", Numeric),
    Column("cost", Numeric),
    Column("fee", Numeric),
    Column("fee_asset", String(40)),
    # All fees by asset; the two columns above hold the largest.
    Column("fees", JSONB),
    Column("error_reason", Text),
    # Number of the latest attempt, and its id at the exchange; the first uses the order's own.
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("attempt_id", String(32), unique=True),
    # Highest price of further attempts of a purchase; null where there may be none.
    Column("price_max", Numeric),
    # Reason for a person to look at it, while it may be at the exchange.
    Column("attention", Text),
    # When it was given up without proof by the exchange, and the look-ups since.
    Column("given_up_at", TIME),
    Column("looked_again", Integer, nullable=False, server_default=text("0")),
    created_at(),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
    UniqueConstraint("listing_key", "mode", "side", "sequence"),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
    CheckConstraint("side IN ('BUY', 'SELL')", name="side_known"),
    CheckConstraint(
        f"state IN {in_sql(OrderState)}",
        name="state_known",
    ),
    CheckConstraint("quote_qty >= 0", name="quote_qty_not_negative"),
    CheckConstraint("(attempt = 1) = (attempt_id IS NULL)", name="attempt_named"),
    CheckConstraint("side = 'SELL' OR sequence = 1", name="bought_once"),
)
Index(
    "ix_orders_open",
    orders.c.created_at,
    postgresql_where=orders.c.state.in_([str(state) for state in UNSETTLED]),
)
# Orders given up are looked up again, for as long as the exchange remembers them.
Index(
    "ix_orders_given_up",
    orders.c.given_up_at,
    postgresql_where=text("state = 'failed' AND given_up_at IS NOT NULL"),
)
# One coin against two quote assets is one risk.
Index(
    "uq_orders_base_asset_at_large",
    orders.c.mode,
    orders.c.base_asset,
    unique=True,
    postgresql_where=text(f"side = 'BUY' AND state IN {in_sql(AT_LARGE)}"),
)
Index("ix_orders_created_at", orders.c.created_at.desc(), orders.c.id.desc())
Index("ix_orders_symbol", orders.c.symbol, orders.c.created_at.desc(), orders.c.id.desc())

# Unfilled attempts of a purchase that were followed by another: looked up again for as long as the exchange remembers
# them, in case it shows a fill after all.
order_attempts = Table(
    "order_attempts",
    metadata,
    Column("attempt_id", String(32), primary_key=True),
    # Id of the order itself.
    Column("client_order_id", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("exchange_order_id", String(64)),
    Column("request", JSONB),
    Column("answered_at", TIME),
    Column("ended_at", TIME, nullable=False),
    Column("looked_again", Integer, nullable=False, server_default=text("0")),
    # Fill that appeared after all.
    Column("appeared_at", TIME),
    Column("executed_qty", Numeric),
    Column("cost", Numeric),
    Column("fees", JSONB),
    created_at(),
    UniqueConstraint("client_order_id", "number"),
)
Index(
    "ix_order_attempts_ended_at",
    order_attempts.c.ended_at,
    postgresql_where=order_attempts.c.appeared_at.is_(None),
)

# Exposure of one mode, and its recent growth. Every decision locks its row.
exposure = Table(
    "exposure",
    metadata,
    Column("mode", String(7), primary_key=True),
    Column("reserved_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    # Cost of open positions.
    Column("filled_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    # Limit of the latest reservation, or the actual exposure where that is more.
    Column("ceiling_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    # Times of the latest decisions, newest first.
    Column("recent_orders", ARRAY(TIME), nullable=False, server_default="{}"),
    Column("day", Date, nullable=False, server_default="1970-01-01"),
    Column("day_orders", Integer, nullable=False, server_default=text("0")),
    Column("day_spent_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    # Consecutive failures.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    # Result of that day's sales and write-offs, against the cost of the part that is gone.
    Column("result_day", Date, nullable=False, server_default="1970-01-01"),
    Column("day_result_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    # Part of that day's loss that had halted purchases before they were last resumed.
    Column("loss_day", Date, nullable=False, server_default="1970-01-01"),
    Column("loss_known_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
    CheckConstraint("reserved_usdt >= 0 AND filled_usdt >= 0", name="not_negative"),
    CheckConstraint("reserved_usdt + filled_usdt <= ceiling_usdt", name="within_ceiling"),
)

# Outbox of trades, committed together with their orders, until the broker has them.
trade_outbox = Table(
    "trade_outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event", JSONB, nullable=False),
    created_at(),
    # Events that are unreadable here or refused by the broker are set aside.
    Column("set_aside_at", TIME),
    Column("set_aside_reason", Text),
)
Index(
    "ix_trade_outbox_set_aside",
    trade_outbox.c.id,
    postgresql_where=trade_outbox.c.set_aside_at.is_not(None),
)

# Halts latched by the executor. Each holds until an operator resumes.
halts = Table(
    "halts",
    metadata,
    id_column(),
    Column("cause", String(20), nullable=False),
    # Null for both.
    Column("mode", String(7)),
    Column("reason", Text, nullable=False),
    Column("created_at", TIME, nullable=False, server_default=func.clock_timestamp()),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
)
Index("ix_halts_created_at", halts.c.created_at)
