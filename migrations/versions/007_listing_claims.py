"""Listing claims: dedup's ledger of which sighting became the listing."""

from alembic import op

revision = "007"
down_revision = "006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE listing_claims (
            symbol VARCHAR(20) NOT NULL,
            occurrence INTEGER NOT NULL,
            listing JSONB NOT NULL,
            claimed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            forwarded_at TIMESTAMPTZ,
            CONSTRAINT pk_listing_claims PRIMARY KEY (symbol, occurrence),
            CONSTRAINT ck_listing_claims_occurrence_positive CHECK (occurrence >= 1)
        )
    """)
    op.execute("CREATE INDEX ix_listing_claims_unforwarded ON listing_claims (claimed_at) WHERE forwarded_at IS NULL")


def downgrade() -> None:
    op.execute("DROP TABLE listing_claims")
