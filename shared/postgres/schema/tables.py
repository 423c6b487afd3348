"""The schema, as SQLAlchemy metadata; migrations create it, `alembic check` keeps both the same.

The executor's own tables stand in `order_tables`, those of access in `access_tables`, those that only serve reading
in `read_tables`; all are seen from here.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
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
    column,
    func,
    table,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.postgres.schema.access_tables import api_tokens, sessions, sign_in_links
from shared.postgres.schema.columns import TIME, created_at, id_column, metadata
from shared.postgres.schema.order_tables import exposure, halts, orders, other_fees, positions, trade_outbox
from shared.postgres.schema.read_tables import (
    latency_hours,
    listing_hours,
    sighting_hours,
    stream_events,
    stream_head,
    trade_hours,
)
from shared.symbol_format import SQL_CHECK

__all__ = [
    "api_tokens",
    "bot_health",
    "bus_messages",
    "close_requests",
    "exposure",
    "halts",
    "latency_hours",
    "leases",
    "listing_claims",
    "listing_hours",
    "listing_observations",
    "listings",
    "metadata",
    "monitor_switches",
    "operator_actions",
    "orders",
    "other_fees",
    "position_exits",
    "position_results",
    "positions",
    "rate_usage",
    "sessions",
    "settle_requests",
    "sighting_hours",
    "sign_in_links",
    "stream_events",
    "stream_head",
    "symbols",
    "trade_config",
    "trade_config_audit",
    "trade_hours",
    "trade_outbox",
    "trades",
    "unplaced_symbols",
    "write_offs",
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
    CheckConstraint(SQL_CHECK, name="symbol_format"),
    CheckConstraint("source IN ('mexc_websocket', 'mexc_rest_api', 'test_injection')", name="source_known"),
)
# With the id behind it, which tells apart rows of one moment, a page is read off an index wherever it begins.
Index("ix_listings_created_at", listings.c.created_at.desc(), listings.c.id.desc())
Index("ix_listings_source_created_at", listings.c.source, listings.c.created_at.desc(), listings.c.id.desc())
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
    # What the component tells of itself beside its status, by name: gates, feeds, clocks.
    Column("facts", JSONB, nullable=False, server_default="{}"),
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
    # From then on it counts as off, and the executor switches it off.
    Column("auto_trade_until", TIME),
    Column("halted", Boolean, nullable=False, server_default=text("false")),
    Column("halted_reason", Text, nullable=False, server_default=""),
    Column("exits_halted", Boolean, nullable=False, server_default=text("false")),
    Column("halted_at", TIME),
    # Until trading resumes everything that is held is sold, also what a purchase under way still buys.
    Column("selling_all", Boolean, nullable=False, server_default=text("false")),
    # Halts that the executor latched before this moment are lifted.
    Column("resumed_at", TIME, nullable=False, server_default=text("'-infinity'")),
    created_at(),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
    # The exit policy; null: not for this reason.
    Column("take_profit_pct", Numeric),
    Column("take_profit_ladder", JSONB, nullable=False, server_default="[]"),
    Column("stop_loss_pct", Numeric),
    Column("trailing_stop_pct", Numeric),
    Column("trailing_activation_pct", Numeric),
    Column("holding_seconds_max", Double),
    Column("entry_slippage_pct", Numeric, nullable=False, server_default=text("5")),
    Column("daily_loss_usdt_max", Numeric(12, 2)),
    # When the exits were set first: by an environment, once, or by a person.
    Column("exits_seeded_at", TIME),
    CheckConstraint("id = 1", name="single_row"),
    CheckConstraint("max_trade_usdt > 0 AND max_trade_usdt <> 'NaN'", name="max_trade_positive"),
    CheckConstraint(
        "max_position_usdt >= max_trade_usdt AND max_position_usdt <> 'NaN'", name="max_position_covers_trade"
    ),
    CheckConstraint("halted OR NOT exits_halted", name="exits_halt_with_buys"),
    CheckConstraint("halted OR NOT selling_all", name="selling_all_halts"),
    CheckConstraint("take_profit_pct > 0 AND take_profit_pct <= 1000", name="take_profit_in_bounds"),
    CheckConstraint("stop_loss_pct > 0 AND stop_loss_pct < 100", name="stop_loss_in_bounds"),
    CheckConstraint("trailing_stop_pct > 0 AND trailing_stop_pct < 100", name="trailing_stop_in_bounds"),
    CheckConstraint(
        "trailing_activation_pct > 0 AND trailing_activation_pct <= 1000", name="trailing_activation_in_bounds"
    ),
    CheckConstraint("holding_seconds_max > 0 AND holding_seconds_max <= 1e9", name="holding_in_bounds"),
    CheckConstraint("entry_slippage_pct > 0 AND entry_slippage_pct <= 1000", name="entry_slippage_in_bounds"),
    CheckConstraint("daily_loss_usdt_max > 0 AND daily_loss_usdt_max <> 'NaN'", name="daily_loss_positive"),
)

trade_config_audit = Table(
    "trade_config_audit",
    metadata,
    id_column(),
    Column("changed_by", String(80), nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    created_at(),
    Column("request_id", String(64)),
)
Index("ix_trade_config_audit_created_at", trade_config_audit.c.created_at.desc(), trade_config_audit.c.id.desc())

# Immutable: exits of one position instead of the configured ones; of each position the last revision counts.
position_exits = Table(
    "position_exits",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("mode", String(7), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("before", JSONB, nullable=False),
    Column("after", JSONB, nullable=False),
    Column("changed_by", String(80), nullable=False),
    Column("request_id", String(64)),
    created_at(),
    UniqueConstraint("listing_key", "mode", "revision"),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
)
Index("ix_position_exits_created_at", position_exits.c.created_at.desc(), position_exits.c.id.desc())

# Which of several processes does what only one may do; it beats while that one is well.
leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(120), nullable=False),
    Column("beats", BigInteger, nullable=False, server_default="0"),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
)

# Immutable: whether detection sleeps; the last row counts, and none means that it does not.
monitor_switches = Table(
    "monitor_switches",
    metadata,
    id_column(),
    Column("paused", Boolean, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("changed_by", String(80), nullable=False),
    Column("request_id", String(64)),
    created_at(),
)
Index("ix_monitor_switches_created_at", monitor_switches.c.created_at.desc(), monitor_switches.c.id.desc())

# Immutable: every asking of an operator that no other table keeps as often as it was asked, and by which request.
operator_actions = Table(
    "operator_actions",
    metadata,
    id_column(),
    Column("kind", String(20), nullable=False),
    # A position, an order or a symbol.
    Column("subject", Text, nullable=False, server_default=""),
    Column("details", JSONB, nullable=False, server_default="{}"),
    Column("made_by", String(80), nullable=False),
    Column("request_id", String(64)),
    created_at(),
)
Index("ix_operator_actions_created_at", operator_actions.c.created_at.desc(), operator_actions.c.id.desc())

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

# Immutable: what a person gave up as lost, and why. The executor sees to it.
write_offs = Table(
    "write_offs",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("mode", String(7), nullable=False),
    Column("requested_by", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    created_at(),
    UniqueConstraint("listing_key", "mode"),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
    CheckConstraint("reason <> ''", name="reason_given"),
)
# Immutable: what an operator found out about an order, for the executor to carry out.
settle_requests = Table(
    "settle_requests",
    metadata,
    id_column(),
    Column("client_order_id", String(32), nullable=False),
    # Null: the order never took place.
    Column("base_qty", Numeric),
    Column("cost", Numeric),
    Column("fee", Numeric),
    Column("fee_asset", String(40)),
    Column("reason", Text, nullable=False),
    Column("requested_by", String(80), nullable=False),
    created_at(),
    CheckConstraint(
        "(base_qty IS NULL) = (cost IS NULL) AND (fee IS NULL) = (fee_asset IS NULL) "
        "AND (base_qty IS NOT NULL OR fee IS NULL)",
        name="whole",
    ),
    CheckConstraint("base_qty > 0 AND cost > 0 AND base_qty <> 'NaN' AND cost <> 'NaN'", name="positive"),
    CheckConstraint("fee >= 0 AND fee <> 'NaN'", name="fee_not_negative"),
)
Index("ix_settle_requests_client_order_id", settle_requests.c.client_order_id)

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
    # Null where no answer was timed; latency_ms is 0 then.
    Column("ack_latency_ms", Integer),
    # All fees by asset; fee and fee_asset hold the one that counts most.
    Column("fees", JSONB),
    CheckConstraint("side IN ('BUY', 'SELL')", name="side_known"),
    CheckConstraint("latency_ms >= 0", name="latency_not_negative"),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
    CheckConstraint("status IN ('filled', 'rejected', 'failed', 'pending')", name="status_known"),
)
Index("ix_trades_created_at", trades.c.created_at.desc(), trades.c.id.desc())
Index("ix_trades_symbol", trades.c.symbol, trades.c.created_at.desc(), trades.c.id.desc())
Index("ix_trades_status", trades.c.status, trades.c.created_at.desc(), trades.c.id.desc())
Index("ix_trades_listing_key", trades.c.listing_key)
Index("ix_trades_mode", trades.c.mode, trades.c.created_at.desc(), trades.c.id.desc())
Index("ix_trades_side", trades.c.side, trades.c.created_at.desc(), trades.c.id.desc())
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
    # The opening that was told before, where it moved.
    Column("opens_moved_from", TIME),
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
# What the exchange lists under a name that no event has a place for, until a person has seen it.
unplaced_symbols = Table(
    "unplaced_symbols",
    metadata,
    id_column(),
    Column("symbol", Text, nullable=False, unique=True),
    Column("reason", Text, nullable=False),
    created_at(),
    Column("acknowledged_at", TIME),
    Column("acknowledged_by", String(80)),
)

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
# The executor looks for announced listings that were never decided on.
Index(
    "ix_listing_claims_opens_at",
    listing_claims.c.opens_at,
    postgresql_where=listing_claims.c.opens_at.is_not(None),
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

# What a service asked of the exchange lately, and until when the exchange wants to hear nothing: for its next start.
rate_usage = Table(
    "rate_usage",
    metadata,
    Column("service", String(20), primary_key=True),
    Column("quiet_until", TIME, nullable=False),
    Column("banned", Boolean, nullable=False),
    Column("used", JSONB, nullable=False),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
)

# A view: what was sold entirely, or given up, came to. No row where that is not known.
position_results = table(
    "position_results",
    column("listing_key", String),
    column("mode", String),
    column("result_usdt", Numeric),
    column("result_pct", Numeric),
    column("other_fees_usdt", Numeric),
    column("fees_unknown", Boolean),
)
