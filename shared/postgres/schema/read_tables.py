"""Tables for reading: hourly statistics, kept by triggers, and the log of the event stream."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    func,
    text,
)

from shared.postgres.schema.columns import TIME, metadata


def _hours(name: str, *columns: Column[object]) -> Table:
    """Return a table of counters; each database session has its own, so that none waits for another."""
    hour, session = Column("hour", TIME, primary_key=True), Column("session", Integer, primary_key=True)
    return Table(name, metadata, hour, *columns, session)


# Listings by source, by the hour in which they were stored.
listing_hours = _hours(
    "listing_hours",
    Column("source", String(20), primary_key=True),
    Column("listings", BigInteger, nullable=False),
)

# Leads of one source over another (a bucket of duration_bucket).
sighting_hours = _hours(
    "sighting_hours",
    Column("first_source", String(20), primary_key=True),
    Column("source", String(20), primary_key=True),
    Column("bucket", SmallInteger, primary_key=True, autoincrement=False),
    Column("sightings", BigInteger, nullable=False),
)

# Trades in their present state, by the hour of their time. The reason is the code of a rejection or failure.
trade_hours = _hours(
    "trade_hours",
    Column("mode", String(7), primary_key=True),
    Column("side", String(4), primary_key=True),
    Column("status", String(8), primary_key=True),
    Column("reason", String(40), primary_key=True),
    Column("trades", BigInteger, nullable=False),
    Column("quote_qty", Numeric, nullable=False),
)

# Latency of trades by stage: samples per bucket of duration_bucket.
latency_hours = _hours(
    "latency_hours",
    Column("mode", String(7), primary_key=True),
    Column("stage", String(12), primary_key=True),
    Column("bucket", SmallInteger, primary_key=True, autoincrement=False),
    Column("samples", BigInteger, nullable=False),
)

# Rows added or changed, recorded by triggers. Ids are assigned before rows are committed, so the API assigns each its
# position in the stream once it is visible.
stream_events = Table(
    "stream_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", String(10), nullable=False),
    Column("row_id", BigInteger, nullable=False),
    Column("position", BigInteger),
    Column("created_at", TIME, nullable=False, server_default=func.now()),
    UniqueConstraint("position"),
    CheckConstraint("kind IN ('listing', 'trade', 'position', 'halt', 'config')", name="kind_known"),
)
Index("ix_stream_events_unplaced", stream_events.c.id, postgresql_where=stream_events.c.position.is_(None))

# Latest position. Its row is the lock of processes that assign positions.
stream_head = Table(
    "stream_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, server_default=text("1")),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single_row"),
)
