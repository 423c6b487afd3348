"""Leases: which of several processes does what only one may do."""

from alembic import op

revision = "032"
down_revision = "031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE leases (
            name VARCHAR(40) NOT NULL CONSTRAINT pk_leases PRIMARY KEY,
            holder VARCHAR(120) NOT NULL,
            beats BIGINT NOT NULL DEFAULT 0,
            updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE leases")
