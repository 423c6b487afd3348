"""The exchange whose listings, orders and positions a database holds."""

from alembic import op

revision = "048"
down_revision = "047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE exchange (
            id SMALLINT CONSTRAINT pk_exchange PRIMARY KEY CONSTRAINT ck_exchange_single_row CHECK (id = 1),
            host VARCHAR(255) NOT NULL,
            since TIMESTAMPTZ NOT NULL DEFAULT now()
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE exchange")
