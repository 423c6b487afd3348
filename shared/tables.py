"""The schema, as SQLAlchemy metadata; migrations create it, `alembic check` keeps both the same."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
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

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_TIME = DateTime(timezone=True)


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(), primary_key=True)


def _created_at() -> Column[object]:
    return Column("created_at", _TIME, nullable=False, server_default=func.now())


# Immutable: a trigger refuses every update, delete and truncate.
listings = Table(
    "listings",
    metadata,
    _id(),
    Column("symbol", String(20), nullable=False),
    Column("listed_at", _TIME, nullable=False),
    Column("source", String(20), nullable=False),
    _created_at(),
    Column("listing_key", String(32), unique=True),
    Column("base_asset", String(40)),
    Column("quote_asset", String(40)),
    Column("opens_at", _TIME),
    Column("observed_at", _TIME),
    Column("late", Boolean, nullable=False, server_default=text("false")),
    Column("tradable", Boolean, nullable=False, server_default=text("true")),
    Column("not_tradable_reason", Text, nullable=False, server_default=""),
    UniqueConstraint("symbol", "listed_at"),
    CheckConstraint("symbol ~ '^[A-Za-z0-9_]{3,20}$'", name="symbol_format"),
    CheckConstraint("source IN ('mexc_websocket', 'mexc_rest_api', 'test_injection')", name="source_known"),
)
Index("ix_listings_created_at", listings.c.created_at.desc())
Index("ix_listings_source_created_at", listings.c.source, listings.c.created_at.desc())
# "Recent" cannot be a partial index on now() - interval, since a predicate must be immutable. Rows arrive in the
# order of their time, which a block-range index covers at a thousandth of a btree's size.
Index("ix_listings_listed_at_brin", listings.c.listed_at, postgresql_using="brin")

bot_health = Table(
    "bot_health",
    metadata,
    _id(),
    Column("component_name", String(40), nullable=False, unique=True),
    Column("status", String(10), nullable=False),
    Column("last_event_at", _TIME),
    Column("updated_at", _TIME, nullable=False, server_default=func.now()),
    Column("detail", Text, nullable=False, server_default=""),
    CheckConstraint("status IN ('running', 'stopped', 'degraded', 'error')", name="status_known"),
)

trade_config = Table(
    "trade_config",
    metadata,
    # One row: there is one truth about limits.
    Column("id", SmallInteger, primary_key=True, autoincrement=False, server_default=text("1")),
    Column("max_trade_usdt", Numeric(12, 2), nullable=False),
    Column("max_position_usdt", Numeric(12, 2), nullable=False),
    Column("auto_trade", Boolean, nullable=False, server_default=text("false")),
    Column("halted", Boolean, nullable=False, server_default=text("false")),
    Column("halted_reason", Text, nullable=False, server_default=""),
    Column("exits_halted", Boolean, nullable=False, server_default=text("false")),
    # Halts that the executor latched before this moment are lifted.
    Column("resumed_at", _TIME, nullable=False, server_default=text("'-infinity'")),
    _created_at(),
    Column("updated_at", _TIME, nullable=False, server_default=func.now()),
    CheckConstraint("id = 1", name="single_row"),
    CheckConstraint("max_trade_usdt > 0 AND max_trade_usdt <> 'NaN'", name="max_trade_positive"),
    CheckConstraint(
        "max_position_usdt >= max_trade_usdt AND max_position_usdt <> 'NaN'", name="max_position_covers_trade"
    ),
    CheckConstraint("halted OR NOT exits_halted", name="exits_halt_with_buys"),
)

trade_config_audit = Table(
    "trade_config_audit",
    metadata,
    _id(),
    Column("changed_by", String(80), nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    _created_at(),
)

trades = Table(
    "trades",
    metadata,
    _id(),
    Column("symbol", String(20), nullable=False),
    Column("side", String(4), nullable=False),
    Column("quote_qty", Numeric(12, 2), nullable=False),
    # Unbounded: a coin that costs 1E-9 fills 100 USDT with more digits than NUMERIC(18, 8) holds.
    Column("base_qty", Numeric),
    Column("latency_ms", Integer, nullable=False),
    Column("mode", String(7), nullable=False),
    Column("status", String(8), nullable=False),
    Column("error_reason", Text),
    Column("exchange_order_id", String(64)),
    _created_at(),
    # Where the trade came from and what it was made under; the event id makes a redelivery harmless.
    Column("event_id", String(80), unique=True),
    Column("listing_key", String(32)),
    Column("client_order_id", String(32)),
    Column("listed_at", _TIME),
    Column("config", JSONB),
    Column("stages", JSONB),
    Column("average_price", Numeric),
    Column("fee", Numeric),
    Column("fee_asset", String(40)),
    Column("exit_reason", String(20)),
    CheckConstraint("side IN ('BUY', 'SELL')", name="side_known"),
    CheckConstraint("latency_ms >= 0", name="latency_not_negative"),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
    CheckConstraint("status IN ('filled', 'rejected', 'failed', 'pending')", name="status_known"),
)
Index("ix_trades_created_at", trades.c.created_at.desc())
Index("ix_trades_symbol", trades.c.symbol)
Index("ix_trades_status", trades.c.status)
# One row for an order, from pending to what came of it.
Index("uq_trades_client_order_id", trades.c.client_order_id, unique=True)

# What ingest knows of each symbol, so that a restart neither misses nor invents a listing.
symbols = Table(
    "symbols",
    metadata,
    Column("symbol", String(40), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("base_asset", String(40), nullable=False),
    Column("quote_asset", String(40), nullable=False),
    Column("occurrence", Integer, nullable=False, server_default=text("1")),
    Column("opens_at", _TIME),
    # Of this occurrence.
    Column("first_seen_at", _TIME, nullable=False),
    Column("published", Boolean, nullable=False, server_default=text("false")),
    Column("trading_since", _TIME),
    Column("gone_since", _TIME),
    Column("updated_at", _TIME, nullable=False, server_default=func.now()),
    CheckConstraint("state IN ('announced', 'listed', 'tradable', 'suspended', 'gone')", name="state_known"),
    CheckConstraint("gone_since IS NULL OR state = 'gone'", name="gone_since_gone"),
)

# Dedup's ledger: the sighting (its event id) that became each listing, and the listing as it was published.
listing_claims = Table(
    "listing_claims",
    metadata,
    Column("listing_key", String(32), primary_key=True),
    Column("raw_id", String(64), nullable=False),
    Column("listing", JSONB, nullable=False),
    Column("claimed_at", _TIME, nullable=False, server_default=func.now()),
    # The latest word on the opening time: what it is, when a source saw it, and the sighting (if any) that moved it.
    Column("opens_at", _TIME),
    Column("opens_observed_at", _TIME),
    Column("opens_raw_id", String(64)),
)

# Every other sighting of a listing: who else saw it, and how long after the sighting that became the listing.
listing_observations = Table(
    "listing_observations",
    metadata,
    _id(),
    Column("listing_key", String(32), nullable=False),
    Column("source", String(20), nullable=False),
    Column("observed_at", _TIME, nullable=False),
    Column("raw_id", String(64), nullable=False, unique=True),
    # Negative where it was observed before, and only reported after.
    Column("lag_ms", BigInteger, nullable=False),
    _created_at(),
    CheckConstraint("source IN ('mexc_websocket', 'mexc_rest_api', 'test_injection')", name="source_known"),
)
Index("ix_listing_observations_listing_key_source", listing_observations.c.listing_key, listing_observations.c.source)

# The journal: one row per order, committed before anything is sent. A listing is bought once in each mode, forever: the
# fence against double orders. Sales count up.
orders = Table(
    "orders",
    metadata,
    _id(),
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
    Column("decided_at", _TIME, nullable=False),
    # The opening that an armed order waits for.
    Column("fire_at", _TIME),
    # No request may begin later, so that an order which is not found can be known to be absent.
    Column("send_until", _TIME, nullable=False),
    Column("exit_reason", String(20)),
    Column("listing", JSONB, nullable=False),
    # What was sent last, how often something was, and what was answered.
    Column("request", JSONB),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("answered_at", _TIME),
    Column("exchange_order_id", String(64)),
    # How often in a row it was looked for and not found.
    Column("misses", Integer, nullable=False, server_default=text("0")),
    Column("executed_qty", Numeric),
    Column("cost", Numeric),
    Column("fee", Numeric),
    Column("fee_asset", String(40)),
    Column("error_reason", Text),
    _created_at(),
    Column("updated_at", _TIME, nullable=False, server_default=func.now()),
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
    Column("recent_orders", ARRAY(_TIME), nullable=False, server_default="{}"),
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
    _id(),
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
    # An operator wants it closed.
    Column("close_requested", Boolean, nullable=False, server_default=text("false")),
    Column("opened_at", _TIME, nullable=False),
    Column("closed_at", _TIME),
    _created_at(),
    Column("updated_at", _TIME, nullable=False, server_default=func.now()),
    UniqueConstraint("listing_key", "mode"),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
    CheckConstraint("state IN ('open', 'closing', 'closed', 'dust')", name="state_known"),
    CheckConstraint("base_qty >= 0 AND cost_usdt >= 0", name="not_negative"),
)
Index("ix_positions_held", positions.c.opened_at, postgresql_where=positions.c.state.in_(("open", "closing")))

# Trades committed together with what they tell, until the broker has them.
trade_outbox = Table(
    "trade_outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event", JSONB, nullable=False),
    _created_at(),
)

# What the executor itself found reason to halt for. Each holds until an operator resumes.
halts = Table(
    "halts",
    metadata,
    _id(),
    Column("cause", String(20), nullable=False),
    # Null: both.
    Column("mode", String(7)),
    Column("reason", Text, nullable=False),
    Column("created_at", _TIME, nullable=False, server_default=func.clock_timestamp()),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
)
Index("ix_halts_created_at", halts.c.created_at)

# The in-process bus: one row per message and queue, until it is acknowledged.
bus_messages = Table(
    "bus_messages",
    metadata,
    Column("queue", String(100), primary_key=True),
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("exchange", String(255), nullable=False),
    Column("routing_key", String(255), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("deliveries", Integer, nullable=False),
    Column("published_at", _TIME, nullable=False, server_default=func.now()),
)
