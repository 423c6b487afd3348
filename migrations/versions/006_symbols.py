"""Symbols: what ingest knows, so that a restart neither misses nor invents a listing."""

from alembic import op

revision = "006"
down_revision = "005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE symbols (
            symbol VARCHAR(40) CONSTRAINT pk_symbols PRIMARY KEY,
            state VARCHAR(10) NOT NULL,
            base_asset VARCHAR(40) NOT NULL,
            quote_asset VARCHAR(40) NOT NULL,
            occurrence INTEGER NOT NULL DEFAULT 1,
            opens_at TIMESTAMPTZ,
            first_seen_at TIMESTAMPTZ NOT NULL,
            updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            CONSTRAINT ck_symbols_state_known
                CHECK (state IN ('announced', 'listed', 'tradable', 'suspended', 'gone'))
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE symbols")
