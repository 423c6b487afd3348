"""Tables that exist for reading: statistics by the hour, kept by triggers, and the log of the event stream."""

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
    """Return a table of counts; each session of the database counts for itself, so that none waits for another."""
    hour, session = Column("hour", TIME, primary_key=True), Column("session", Integer, primary_key=True)
    return Table(name, metadata, hour, *columns, session)


# How many listings each source brought, by the hour in which they were stored.
listing_hours = _hours(
    "listing_hours",
    Column("source", String(20), primary_key=True),
    Column("listings", BigInteger, nullable=False),
)

# How often one source saw a listing before another, and by how much (a bucket of duration_bucket).
sighting_hours = _hours(
    "sighting_hours",
    Column("first_source", String(20), primary_key=True),
    Column("source", String(20), primary_key=True),
    Column("bucket", SmallInteger, primary_key=True, autoincrement=False),
    Column("sightings", BigInteger, nullable=False),
)

# Trades as they stand now, by the hour of their time. The reason is the code of what was rejected or failed.
trade_hours = _hours(
    "trade_hours",
    Column("mode", String(7), primary_key=True),
    Column("side", String(4), primary_key=True),
    Column("status", String(8), primary_key=True),
    Column("reason", String(40), primary_key=True),
    Column("trades", BigInteger, nullable=False),
    Column("quote_qty", Numeric, nullable=False),
)

# How long trades took for each stage: so many samples in each bucket of duration_bucket.
latency_hours = _hours(
    "latency_hours",
    Column("mode", String(7), primary_key=True),
    Column("stage", String(12), primary_key=True),
    Column("bucket", SmallInteger, primary_key=True, autoincrement=False),
    Column("samples", BigInteger, nullable=False),
)

# That a row was added or changed, by triggers on the tables. Ids are given before rows are committed, so the API gives
# each its position in the stream once it can be seen.
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

# The position given last. Its row is the lock by which those who give positions take turns.
stream_head = Table(
    "stream_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False, server_default=text("1")),
    Column("position", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single_row"),
)
