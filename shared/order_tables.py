"""The executor's tables: orders, what is at stake, what is held, and why trading halts. Nobody else writes them."""

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
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.schema import TIME, created_at, id_column, metadata

# The journal: one row per order, committed before anything is sent. A listing is bought once in each mode, forever: the
# fence against double orders. Sales count up.
orders = Table(
    "orders",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("mode", String(7), nullable=False),
    Column("side", String(4), nullable=False),
    Column("sequence", SmallInteger, nullable=False, server_default=text("1")),
    Column("symbol", String(20), nullable=False),
    Column("base_asset", String(40), nullable=False, server_default=""),
    Column("client_order_id", String(32), nullable=False, unique=True),
    Column("state", String(20), nullable=False),
    # Reserved for a purchase; zero for what was refused.
    Column("quote_qty", Numeric(12, 2), nullable=False),
    # To be sold.
    Column("base_qty", Numeric),
    Column("config", JSONB, nullable=False),
    Column("decided_at", TIME, nullable=False),
    # The opening that an armed order waits for.
    Column("fire_at", TIME),
    # No request may begin later, so that an order which is not found can be known to be absent.
    Column("send_until", TIME, nullable=False),
    Column("exit_reason", String(20)),
    Column("listing", JSONB, nullable=False),
    # What was sent last, how often something was, and what was answered.
    Column("request", JSONB),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("answered_at", TIME),
    Column("exchange_order_id", String(64)),
    # How often in a row it was looked for and not found.
    Column("misses", Integer, nullable=False, server_default=text("0")),
    Column("executed_qty", Numeric),
    Column("cost", Numeric),
    Column("fee", Numeric),
    Column("fee_asset", String(40)),
    Column("error_reason", Text),
    created_at(),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
    UniqueConstraint("listing_key", "mode", "side", "sequence"),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
    CheckConstraint("side IN ('BUY', 'SELL')", name="side_known"),
    CheckConstraint(
        "state IN ('armed', 'sending', 'acknowledged', 'unknown', "
        "'filled', 'partially_filled', 'rejected', 'expired', 'failed')",
        name="state_known",
    ),
    CheckConstraint("quote_qty >= 0", name="quote_qty_not_negative"),
    CheckConstraint("side = 'SELL' OR sequence = 1", name="bought_once"),
)
Index(
    "ix_orders_open",
    orders.c.created_at,
    postgresql_where=orders.c.state.in_(("armed", "sending", "acknowledged", "unknown")),
)
# One coin against two quote assets is one risk.
Index(
    "uq_orders_base_asset_at_large",
    orders.c.mode,
    orders.c.base_asset,
    unique=True,
    postgresql_where=text("side = 'BUY' AND state IN ('sending', 'acknowledged', 'unknown')"),
)

# What is at stake in one mode, and how fast it got there. One row is locked by every decision.
exposure = Table(
    "exposure",
    metadata,
    Column("mode", String(7), primary_key=True),
    Column("reserved_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    # What open positions cost.
    Column("filled_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    # The limit of the latest reservation, or what the truth turned out to be where that is more.
    Column("ceiling_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    # When the latest orders were decided on, newest first.
    Column("recent_orders", ARRAY(TIME), nullable=False, server_default="{}"),
    Column("day", Date, nullable=False, server_default="1970-01-01"),
    Column("day_orders", Integer, nullable=False, server_default=text("0")),
    Column("day_spent_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    # In a row.
    Column("failures", Integer, nullable=False, server_default=text("0")),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
    CheckConstraint("reserved_usdt >= 0 AND filled_usdt >= 0", name="not_negative"),
    CheckConstraint("reserved_usdt + filled_usdt <= ceiling_usdt", name="within_ceiling"),
)

# What was bought and not sold yet, kept from fills.
positions = Table(
    "positions",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("mode", String(7), nullable=False),
    Column("symbol", String(20), nullable=False),
    Column("base_asset", String(40), nullable=False),
    Column("quote_asset", String(40), nullable=False),
    Column("state", String(10), nullable=False),
    Column("listing", JSONB, nullable=False),
    # Held now, net of fees; and what that part cost.
    Column("base_qty", Numeric, nullable=False),
    Column("cost_usdt", Numeric(14, 2), nullable=False),
    Column("average_price", Numeric, nullable=False),
    Column("peak_price", Numeric, nullable=False),
    Column("received_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    Column("sales", SmallInteger, nullable=False, server_default=text("0")),
    Column("opened_at", TIME, nullable=False),
    Column("closed_at", TIME),
    created_at(),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
    UniqueConstraint("listing_key", "mode"),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
    CheckConstraint("state IN ('open', 'closing', 'closed', 'dust')", name="state_known"),
    CheckConstraint("base_qty >= 0 AND cost_usdt >= 0", name="not_negative"),
)
Index(
    "ix_positions_held",
    positions.c.mode,
    positions.c.base_asset,
    postgresql_where=positions.c.state.in_(("open", "closing")),
)

# Trades committed together with what they tell, until the broker has them.
trade_outbox = Table(
    "trade_outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event", JSONB, nullable=False),
    created_at(),
)

# What the executor itself found reason to halt for. Each holds until an operator resumes.
halts = Table(
    "halts",
    metadata,
    id_column(),
    Column("cause", String(20), nullable=False),
    # Null: both.
    Column("mode", String(7)),
    Column("reason", Text, nullable=False),
    Column("created_at", TIME, nullable=False, server_default=func.clock_timestamp()),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
)
Index("ix_halts_created_at", halts.c.created_at)
