"""The schema, as SQLAlchemy metadata; migrations create it, `alembic check` keeps both the same.

All tables are seen from here; each group stands in a module of its own.
"""

from shared.postgres.schema.access_tables import (
    api_tokens,
    sessions,
    sign_in_links,
)
from shared.postgres.schema.columns import (
    metadata,
)
from shared.postgres.schema.control_tables import (
    close_requests,
    operator_actions,
    position_exits,
    settle_requests,
    trade_config,
    trade_config_audit,
    write_offs,
)
from shared.postgres.schema.listing_tables import (
    leases,
    listing_claims,
    listing_observations,
    listings,
    monitor_switches,
    symbols,
    unannounced_listings,
    unplaced_symbols,
)
from shared.postgres.schema.order_tables import (
    exposure,
    halts,
    order_attempts,
    orders,
    trade_outbox,
)
from shared.postgres.schema.position_tables import (
    other_fees,
    position_results,
    positions,
    trades,
)
from shared.postgres.schema.read_tables import (
    latency_hours,
    listing_hours,
    sighting_hours,
    stream_events,
    stream_head,
    trade_hours,
)
from shared.postgres.schema.service_tables import (
    bot_health,
    bus_messages,
    exchange,
    rate_usage,
)

__all__ = [
    "api_tokens",
    "bot_health",
    "bus_messages",
    "close_requests",
    "exchange",
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
    "order_attempts",
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
    "unannounced_listings",
    "unplaced_symbols",
    "write_offs",
]
