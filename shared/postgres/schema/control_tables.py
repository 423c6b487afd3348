"""Tables of operators: the trade configuration, its audit, and requests for the executor."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
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

from shared.postgres.schema.columns import TIME, created_at, id_column, metadata

trade_config = Table(
    "trade_config",
    metadata,
    # A single row: the limits in force.
    Column("id", SmallInteger, primary_key=True, autoincrement=False, server_default=text("1")),
    Column("max_trade_usdt", Numeric(12, 2), nullable=False),
    Column("max_position_usdt", Numeric(12, 2), nullable=False),
    Column("auto_trade", Boolean, nullable=False, server_default=text("false")),
    # Expiry, at which the executor switches it off.
    Column("auto_trade_until", TIME),
    Column("halted", Boolean, nullable=False, server_default=text("false")),
    Column("halted_reason", Text, nullable=False, server_default=""),
    Column("exits_halted", Boolean, nullable=False, server_default=text("false")),
    Column("halted_at", TIME),
    # Until trading resumes, everything held is sold, including fills of purchases under way.
    Column("selling_all", Boolean, nullable=False, server_default=text("false")),
    # Halts latched by the executor before this time are lifted.
    Column("resumed_at", TIME, nullable=False, server_default=text("'-infinity'")),
    created_at(),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
    # Exit policy; null disables a condition.
    Column("take_profit_pct", Numeric),
    Column("take_profit_ladder", JSONB, nullable=False, server_default="[]"),
    Column("stop_loss_pct", Numeric),
    Column("trailing_stop_pct", Numeric),
    Column("trailing_activation_pct", Numeric),
    Column("holding_seconds_max", Double),
    Column("entry_slippage_pct", Numeric, nullable=False, server_default=text("5")),
    Column("daily_loss_usdt_max", Numeric(12, 2)),
    # First setting of the exits: by an environment, once, or by a person.
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

# Immutable: exits of one position instead of the configured ones; the latest revision of each position counts.
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

# Immutable: requests of operators that no other table records one by one.
operator_actions = Table(
    "operator_actions",
    metadata,
    id_column(),
    Column("kind", String(20), nullable=False),
    # Position, order or symbol.
    Column("subject", Text, nullable=False, server_default=""),
    Column("details", JSONB, nullable=False, server_default="{}"),
    Column("made_by", String(80), nullable=False),
    Column("request_id", String(64)),
    created_at(),
)
Index("ix_operator_actions_created_at", operator_actions.c.created_at.desc(), operator_actions.c.id.desc())

# Immutable. A listing is bought once in each mode, so one request is final.
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

# Immutable: positions given up as lost by a person, with the reason, for the executor to carry out. Coins that appear
# after a request take another.
write_offs = Table(
    "write_offs",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("mode", String(7), nullable=False),
    Column("requested_by", String(80), nullable=False),
    Column("reason", Text, nullable=False),
    created_at(),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
    CheckConstraint("reason <> ''", name="reason_given"),
)
Index("ix_write_offs_listing_key_mode", write_offs.c.listing_key, write_offs.c.mode)

# Immutable: outcome of an order as found out by an operator, for the executor to carry out.
settle_requests = Table(
    "settle_requests",
    metadata,
    id_column(),
    Column("client_order_id", String(32), nullable=False),
    # Null: the order never existed.
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
