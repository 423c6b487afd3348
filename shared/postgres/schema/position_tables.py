"""Tables of trades and positions: results of orders, holdings, and fees in other assets."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    Numeric,
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

from shared.postgres.schema.columns import TIME, created_at, id_column, metadata
from shared.states import PositionState, in_sql

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
    # Origin of the trade and its configuration; the event id makes a redelivery harmless.
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
    # Null where no answer was timed; latency_ms is that of the look-up then, or 0 where none showed the order.
    Column("ack_latency_ms", Integer),
    # All fees by asset; fee and fee_asset hold the largest.
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
# One row per order, from pending to its result.
Index("uq_trades_client_order_id", trades.c.client_order_id, unique=True)

# Holdings, kept from fills.
positions = Table(
    "positions",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("mode", String(7), nullable=False),
    Column("symbol", String(20), nullable=False),
    Column("base_asset", String(40), nullable=False),
    Column("quote_asset", String(40), nullable=False),
    Column("state", String(12), nullable=False),
    Column("listing", JSONB, nullable=False),
    # Quantity held now, net of fees, and its cost.
    Column("base_qty", Numeric, nullable=False),
    Column("cost_usdt", Numeric(14, 2), nullable=False),
    Column("average_price", Numeric, nullable=False),
    Column("peak_price", Numeric, nullable=False),
    Column("received_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    Column("sales", Integer, nullable=False, server_default=text("0")),
    Column("opened_at", TIME, nullable=False),
    Column("closed_at", TIME),
    created_at(),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
    # Reference of stops; null until the first look.
    Column("stop_reference", Numeric),
    # Reason of a state that a person should know of.
    Column("note", Text, nullable=False, server_default=""),
    # Total quantity bought, net of fees, and its cost, fees in the quote asset included; null where unknown.
    Column("bought_qty", Numeric),
    Column("paid", Numeric),
    # Total proceeds of sales, less fees in the quote asset.
    Column("proceeds", Numeric, nullable=False, server_default=text("0")),
    # State before it was written off; null where it was not, or by an older version.
    Column("written_off_from", String(12)),
    UniqueConstraint("listing_key", "mode"),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
    CheckConstraint(f"state IN {in_sql(PositionState)}", name="state_known"),
    CheckConstraint("base_qty >= 0 AND cost_usdt >= 0", name="not_negative"),
)
Index(
    "ix_positions_held",
    positions.c.mode,
    positions.c.base_asset,
    postgresql_where=positions.c.state.in_(("open", "closing", "dust", "external", "unsellable")),
)
Index("ix_positions_opened_at", positions.c.opened_at.desc(), positions.c.id.desc())
Index("ix_positions_symbol", positions.c.symbol, positions.c.opened_at.desc(), positions.c.id.desc())
Index(
    "ix_positions_closed_at",
    positions.c.closed_at.desc(),
    positions.c.id.desc(),
    postgresql_where=positions.c.closed_at.is_not(None),
)

# Fees in a third asset, and its price then; given up where the price is unknown.
other_fees = Table(
    "other_fees",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("mode", String(7), nullable=False),
    # Attempt that was charged, by its id at the exchange.
    Column("client_order_id", String(32), nullable=False),
    Column("asset", String(40), nullable=False),
    Column("amount", Numeric, nullable=False),
    Column("taken_at", TIME, nullable=False),
    # In USDT.
    Column("price", Numeric),
    Column("given_up_at", TIME),
    created_at(),
    UniqueConstraint("client_order_id", "asset"),
    CheckConstraint("mode IN ('dry-run', 'live')", name="mode_known"),
    CheckConstraint("price IS NULL OR given_up_at IS NULL", name="known_or_not"),
)
Index("ix_other_fees_listing_key_mode", other_fees.c.listing_key, other_fees.c.mode)
Index(
    "ix_other_fees_open",
    other_fees.c.taken_at,
    postgresql_where=text("price IS NULL AND given_up_at IS NULL"),
)

# View: result of positions that were sold entirely or given up. No row where it is unknown.
position_results = table(
    "position_results",
    column("listing_key", String),
    column("mode", String),
    column("result_usdt", Numeric),
    column("result_pct", Numeric),
    column("other_fees_usdt", Numeric),
    column("fees_unknown", Boolean),
)
