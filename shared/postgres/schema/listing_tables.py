"""Tables of listings and what leads to them: symbols, claims, observations, pauses and leases of detection."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.events.fields import SQL_CHECK
from shared.postgres.schema.columns import TIME, created_at, id_column, metadata

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
# The id distinguishes rows of one moment, so that a page is read off an index from anywhere.
Index("ix_listings_created_at", listings.c.created_at.desc(), listings.c.id.desc())
Index("ix_listings_source_created_at", listings.c.source, listings.c.created_at.desc(), listings.c.id.desc())
# "Recent" cannot be a partial index on now() - interval, since a predicate must be immutable. Rows arrive in time
# order, which a block-range index covers at a thousandth of a btree's size.
Index("ix_listings_listed_at_brin", listings.c.listed_at, postgresql_using="brin")

# Records of symbols, so that a restart of ingest neither misses nor invents a listing.
symbols = Table(
    "symbols",
    metadata,
    Column("symbol", String(40), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("base_asset", String(40), nullable=False),
    Column("quote_asset", String(40), nullable=False),
    Column("occurrence", Integer, nullable=False, server_default=text("1")),
    Column("opens_at", TIME),
    # Previous opening, where it moved.
    Column("opens_moved_from", TIME),
    # Of this occurrence.
    Column("first_seen_at", TIME, nullable=False),
    Column("published", Boolean, nullable=False, server_default=text("false")),
    Column("trading_since", TIME),
    Column("gone_since", TIME),
    # Whether it appeared while no source watched.
    Column("late", Boolean, nullable=False, server_default=text("false")),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
    CheckConstraint("state IN ('announced', 'listed', 'tradable', 'suspended', 'gone')", name="state_known"),
    CheckConstraint("gone_since IS NULL OR state = 'gone'", name="gone_since_gone"),
)

# Listed names that do not fit events, until a person acknowledges them.
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

# Dedup's ledger: the sighting (its event id) behind each listing, and the listing as published.
listing_claims = Table(
    "listing_claims",
    metadata,
    Column("listing_key", String(32), primary_key=True),
    Column("raw_id", String(64), nullable=False),
    Column("listing", JSONB, nullable=False),
    Column("claimed_at", TIME, nullable=False, server_default=func.now()),
    # Latest opening time: its value, when a source saw it, and the sighting (if any) that moved it.
    Column("opens_at", TIME),
    Column("opens_observed_at", TIME),
    Column("opens_raw_id", String(64)),
)
# The executor looks for announced listings without a decision.
Index(
    "ix_listing_claims_opens_at",
    listing_claims.c.opens_at,
    postgresql_where=listing_claims.c.opens_at.is_not(None),
)

# Listings claimed and bought in one commit whose announcement the executor has not received yet: the sighting, and when
# to publish it again.
unannounced_listings = Table(
    "unannounced_listings",
    metadata,
    Column("listing_key", String(32), primary_key=True),
    Column("raw", JSONB, nullable=False),
    Column("claimed_at", TIME, nullable=False, server_default=func.now()),
    Column("due_at", TIME, nullable=False, server_default=func.now()),
)

# Further sightings of a listing, by source and lag.
listing_observations = Table(
    "listing_observations",
    metadata,
    id_column(),
    Column("listing_key", String(32), nullable=False),
    Column("source", String(20), nullable=False),
    Column("observed_at", TIME, nullable=False),
    Column("raw_id", String(64), nullable=False, unique=True),
    # Negative where it was observed earlier, and reported later.
    Column("lag_ms", BigInteger, nullable=False),
    created_at(),
    CheckConstraint("source IN ('mexc_websocket', 'mexc_rest_api', 'test_injection')", name="source_known"),
)
Index("ix_listing_observations_listing_key_source", listing_observations.c.listing_key, listing_observations.c.source)

# Leases on tasks of a single process; it beats while the holder is well.
leases = Table(
    "leases",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("holder", String(120), nullable=False),
    Column("beats", BigInteger, nullable=False, server_default="0"),
    Column("updated_at", TIME, nullable=False, server_default=func.now()),
)

# Immutable: pauses of detection; the latest row counts.
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
