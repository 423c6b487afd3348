"""Trades of one side are found without reading those of the other, as a list of few sales otherwise does."""

from alembic import op

revision = "031"
down_revision = "030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE INDEX ix_trades_side ON trades (side, created_at DESC, id DESC)")


def downgrade() -> None:
    op.execute("DROP INDEX ix_trades_side")
