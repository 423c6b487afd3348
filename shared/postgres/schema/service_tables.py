"""Tables of single services: health, messages of the in-process bus, use of rate limits, and the exchange."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.postgres.schema.columns import TIME, id_column, metadata

bot_health = Table(
    "bot_health",
    metadata,
    id_column(),
    Column("component_name", String(40), nullable=False, unique=True),
    Column("status", String(10), nullable=False),
    Column("last_event_at", TIME),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
    Column("detail", Text, nullable=False, server_default=""),
    # Further facts by name: gates, feeds, clocks.
    Column("facts", JSONB, nullable=False, server_default="{}"),
    # Which of several processes of the component reported this, and whether that was its last report.
    Column("process", String(16), nullable=False, server_default=""),
    Column("process_ended", Boolean, nullable=False, server_default="false"),
    CheckConstraint("status IN ('running', 'stopped', 'degraded', 'error')", name="status_known"),
)

# In-process bus: one row per message and queue, until it is acknowledged.
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

# Use of the exchange's rate limits by a service, and the end of a refusal, for its next start.
rate_usage = Table(
    "rate_usage",
    metadata,
    Column("service", String(20), primary_key=True),
    Column("quiet_until", TIME, nullable=False),
    Column("banned", Boolean, nullable=False),
    Column("used", JSONB, nullable=False),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
)

# The exchange whose listings, orders and positions the database holds.
exchange = Table(
    "exchange",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("host", String(255), nullable=False),
    Column("since", TIME, nullable=False, server_default=func.now()),
    CheckConstraint("id = 1", name="single_row"),
)
