"""Symbols that appeared while no source watched: a restart must not take their first sight for an opening."""

from alembic import op

revision = "045"
down_revision = "044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE symbols ADD COLUMN late BOOLEAN NOT NULL DEFAULT false")


def downgrade() -> None:
    op.execute("ALTER TABLE symbols DROP COLUMN late")
