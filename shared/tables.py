"""The schema, as SQLAlchemy metadata; migrations create it, `alembic check` keeps both the same.

The executor's own tables stand in `shared.order_tables`, and are seen from here.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
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

from shared.order_tables import exposure, halts, orders, positions, trade_outbox
from shared.schema import TIME, created_at, id_column, metadata

__all__ = [
    "bot_health",
    "bus_messages",
    "close_requests",
    "exposure",
    "halts",
    "listing_claims",
    "listing_observations",
    "listings",
    "metadata",
    "orders",
    "positions",
    "symbols",
    "trade_config",
    "trade_config_audit",
    "trade_outbox",
    "trades",
]

# Immutable: a trigger refuses every update, delete and truncate.
listings = Table(
    "listings",
    metadata,
    id_column(),
    Column("symbol", String(20), nullable=False),
    Column("listed_at", TIME, nullable=False),
    Column("source", String(20), nullable=False),
    created_at(),
    Column("listing_key", String(32), unique=True),
    Column("base_asset", String(40)),
    Column("quote_asset", String(40)),
    Column("opens_at", TIME),
    Column("observed_at", TIME),
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
    id_column(),
    Column("component_name", String(40), nullable=False, unique=True),
    Column("status", String(10), nullable=False),
    Column("last_event_at", TIME),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
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
    Column("halted_at", TIME),
    # Halts that the executor latched before this moment are lifted.
    Column("resumed_at", TIME, nullable=False, server_default=text("'-infinity'")),
    created_at(),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
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
    id_column(),
    Column("changed_by", String(80), nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    created_at(),
)

# Immutable. A listing is bought once in each mode, so one request is for ever.
close_requests = Table(
    "close_requests",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("mode", String(7), nullable=False),
    Column("requested_by", String(80), nullable=False),
    created_at(),
    UniqueConstraint("listing_key", "mode"),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
)

trades = Table(
    "trades",
    metadata,
    id_column(),
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
    created_at(),
    # Where the trade came from and what it was made under; the event id makes a redelivery harmless.
    Column("event_id", String(80), unique=True),
    Column("listing_key", String(32)),
    Column("client_order_id", String(32)),
    Column("listed_at", TIME),
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
    Column("opens_at", TIME),
    # Of this occurrence.
    Column("first_seen_at", TIME, nullable=False),
    Column("published", Boolean, nullable=False, server_default=text("false")),
    Column("trading_since", TIME),
    Column("gone_since", TIME),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
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
    Column("claimed_at", TIME, nullable=False, server_default=func.now()),
    # The latest word on the opening time: what it is, when a source saw it, and the sighting (if any) that moved it.
    Column("opens_at", TIME),
    Column("opens_observed_at", TIME),
    Column("opens_raw_id", String(64)),
)

# Every other sighting of a listing: who else saw it, and how long after the sighting that became the listing.
listing_observations = Table(
    "listing_observations",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("source", String(20), nullable=False),
    Column("observed_at", TIME, nullable=False),
    Column("raw_id", String(64), nullable=False, unique=True),
    # Negative where it was observed before, and only reported after.
    Column("lag_ms", BigInteger, nullable=False),
    created_at(),
    CheckConstraint("source IN ('mexc_websocket', 'mexc_rest_api', 'test_injection')", name="source_known"),
)
Index("ix_listing_observations_listing_key_source", listing_observations.c.listing_key, listing_observations.c.source)

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
    Column("published_at", TIME, nullable=False, server_default=func.now()),
)
