"""Set aside trades that cannot be published, and find announced openings."""

from alembic import op

revision = "021"
down_revision = "019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE trade_outbox ADD COLUMN set_aside_at TIMESTAMPTZ, ADD COLUMN set_aside_reason TEXT")
    op.execute("CREATE INDEX ix_trade_outbox_set_aside ON trade_outbox (id) WHERE set_aside_at IS NOT NULL")
    op.execute("CREATE INDEX ix_listing_claims_opens_at ON listing_claims (opens_at) WHERE opens_at IS NOT NULL")


def downgrade() -> None:
    op.execute("DROP INDEX ix_listing_claims_opens_at")
    op.execute("DROP INDEX ix_trade_outbox_set_aside")
    op.execute("ALTER TABLE trade_outbox DROP COLUMN set_aside_at, DROP COLUMN set_aside_reason")
