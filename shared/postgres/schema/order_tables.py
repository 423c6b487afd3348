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
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.postgres.schema.columns import TIME, created_at, id_column, metadata
from shared.states import AT_LARGE, UNSETTLED, OrderState, PositionState, in_sql

# The journal: one row per order, committed before anything is sent. A listing is bought once in each mode, forever: the
# fence against double orders. Sales count up.
orders = Table(
    "orders",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("mode", String(7), nullable=False),
    Column("side", String(4), nullable=False),
    # As many as there will ever be sales of one position.
    Column("sequence", Integer, nullable=False, server_default=text("1")),
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
    # What a sale must bring for a coin at least; it follows from its reason.
    Column("price_min", Numeric),
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
    # All of them by asset; the two columns above hold the one that counts most.
    Column("fees", JSONB),
    Column("error_reason", Text),
    # Which attempt is under way, or was the last, and its id at the exchange; the first has the order's own.
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    Column("attempt_id", String(32), unique=True),
    # What no further attempt of a purchase pays more than for a coin; null where there may be none.
    Column("price_max", Numeric),
    # Why a person has to look at it, while it may be at the exchange.
    Column("attention", Text),
    # When it was given up without proof from the exchange itself, and how often it was looked for again since.
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
# What was given up is looked for again, for as long as the exchange remembers it.
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

# Attempts of a purchase that ended unfilled and were followed by another: looked for again for as long as the exchange
# remembers them, in case it shows a fill after all.
order_attempts = Table(
    "order_attempts",
    metadata,
    Column("attempt_id", String(32), primary_key=True),
    # The order's own name.
    Column("client_order_id", String(32), nullable=False),
    Column("number", Integer, nullable=False),
    Column("exchange_order_id", String(64)),
    Column("request", JSONB),
    Column("answered_at", TIME),
    Column("ended_at", TIME, nullable=False),
    Column("looked_again", Integer, nullable=False, server_default=text("0")),
    # When it showed a fill after all, and what.
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
    # What sales and write-offs of that day came to, against what was paid for the part that is gone.
    Column("result_day", Date, nullable=False, server_default="1970-01-01"),
    Column("day_result_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
    # So much of that day's loss had halted purchases before they were last resumed.
    Column("loss_day", Date, nullable=False, server_default="1970-01-01"),
    Column("loss_known_usdt", Numeric(14, 2), nullable=False, server_default=text("0")),
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
    Column("state", String(12), nullable=False),
    Column("listing", JSONB, nullable=False),
    # Held now, net of fees; and what that part cost.
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
    # What a stop is measured from; null until the first look.
    Column("stop_reference", Numeric),
    # Why it is in a state that a person should know of.
    Column("note", Text, nullable=False, server_default=""),
    # All that was bought, net of fees, and paid for it, fees in the quote asset included; null where that is not known.
    Column("bought_qty", Numeric),
    Column("paid", Numeric),
    # All that sales brought, less fees in the quote asset.
    Column("proceeds", Numeric, nullable=False, server_default=text("0")),
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

# Fees in neither the coin nor its quote asset, and what that asset cost then; given up where nobody knows it.
other_fees = Table(
    "other_fees",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("mode", String(7), nullable=False),
    # The attempt that was charged, by its name at the exchange.
    Column("client_order_id", String(32), nullable=False),
    Column("asset", String(40), nullable=False),
    Column("amount", Numeric, nullable=False),
    Column("taken_at", TIME, nullable=False),
    # In dollars.
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

# Trades committed together with what they tell, until the broker has them.
trade_outbox = Table(
    "trade_outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event", JSONB, nullable=False),
    created_at(),
    # What this version cannot read or the broker will not take stays here and holds nothing up.
    Column("set_aside_at", TIME),
    Column("set_aside_reason", Text),
)
Index(
    "ix_trade_outbox_set_aside",
    trade_outbox.c.id,
    postgresql_where=trade_outbox.c.set_aside_at.is_not(None),
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
