"""The use of the exchange's rate limits: the next start of a service goes on from there, and keeps quiet in a ban."""

from alembic import op

revision = "022"
down_revision = "021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE rate_usage (
            service VARCHAR(20) NOT NULL,
            quiet_until TIMESTAMPTZ NOT NULL,
            banned BOOLEAN NOT NULL,
            used JSONB NOT NULL,
            updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            CONSTRAINT pk_rate_usage PRIMARY KEY (service)
        )
    """)


def downgrade() -> None:
    op.execute("DROP TABLE rate_usage")
