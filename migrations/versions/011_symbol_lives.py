"""Symbol lives: since when each symbol trades or is gone, and whether this listing of it was published."""

from alembic import op

revision = "011"
down_revision = "010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Of the rows there are, nobody knows; unpublished is the safe guess: their opening times are not told again.
    op.execute("""
        ALTER TABLE symbols
            ADD COLUMN published BOOLEAN NOT NULL DEFAULT false,
            ADD COLUMN trading_since TIMESTAMPTZ,
            ADD COLUMN gone_since TIMESTAMPTZ
    """)
    op.execute("UPDATE symbols SET trading_since = first_seen_at WHERE state IN ('tradable', 'suspended')")
    op.execute("UPDATE symbols SET gone_since = updated_at WHERE state = 'gone'")
    op.execute("""
        ALTER TABLE symbols
            ADD CONSTRAINT ck_symbols_gone_since_gone CHECK (gone_since IS NULL OR state = 'gone')
    """)


def downgrade() -> None:
    op.execute("ALTER TABLE symbols DROP COLUMN published, DROP COLUMN trading_since, DROP COLUMN gone_since")
