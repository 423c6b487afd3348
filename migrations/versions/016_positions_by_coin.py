"""Find what is held by its coin: every purchase asks."""

from alembic import op

revision = "016"
down_revision = "015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _index("mode, base_asset")


def downgrade() -> None:
    _index("opened_at")


def _index(columns: str) -> None:
    op.execute("DROP INDEX ix_positions_held")
    op.execute(f"CREATE INDEX ix_positions_held ON positions ({columns}) WHERE state IN ('open', 'closing')")
