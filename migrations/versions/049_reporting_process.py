"""Which of several processes of a component reported its health."""

from alembic import op

revision = "049"
down_revision = "048"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE bot_health ADD COLUMN process VARCHAR(16) NOT NULL DEFAULT ''")
    op.execute("ALTER TABLE bot_health ADD COLUMN process_ended BOOLEAN NOT NULL DEFAULT false")


def downgrade() -> None:
    op.execute("ALTER TABLE bot_health DROP COLUMN process_ended")
    op.execute("ALTER TABLE bot_health DROP COLUMN process")
