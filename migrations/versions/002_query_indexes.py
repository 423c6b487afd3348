"""Indexes for the listing queries."""

from alembic import op

revision = "002"
down_revision = "001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_listings_source_created_at ON listings (source, created_at DESC)")
    # Not a partial index on now() - interval: an index predicate must be immutable, and now() is not.
    op.execute("CREATE INDEX ix_listings_listed_at_brin ON listings USING brin (listed_at)")


def downgrade() -> None:
    op.execute("DROP INDEX ix_listings_listed_at_brin")
    op.execute("DROP INDEX ix_listings_source_created_at")
