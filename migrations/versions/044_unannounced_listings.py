"""Listings bought by the express way whose announcement the executor has not received yet.

Each row is committed with the claim and the order, so a process killed before the broker has the sighting loses neither
the listing's event nor its place before its trades.
"""

from alembic import op

revision = "044"
down_revision = "043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE unannounced_listings (
            listing_key VARCHAR(32) CONSTRAINT pk_unannounced_listings PRIMARY KEY,
            raw JSONB NOT NULL,
            claimed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            due_at TIMESTAMPTZ NOT NULL DEFAULT now()
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE unannounced_listings")
