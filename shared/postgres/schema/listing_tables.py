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

from shared.postgres.schema.columns import TIME, created_at, id_column, metadata
from shared.symbol_format import SQL_CHECK

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
