"""Listing claims: dedup's ledger of which sighting became the listing."""

from alembic import op

revision = "007"
down_revision = "006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE listing_claims (
            listing_key VARCHAR(32) CONSTRAINT pk_listing_claims PRIMARY KEY,
            raw_id VARCHAR(64) NOT NULL,
            listing JSONB NOT NULL,
            claimed_at TIMESTAMPTZ NOT NULL DEFAULT now()
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE listing_claims")
