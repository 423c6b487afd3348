"""Further attempts of a purchase: the one under way in its order's row, those before it each in a row of their own."""

from alembic import op

revision = "024"
down_revision = "022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE orders
            ADD COLUMN attempt INTEGER NOT NULL DEFAULT 1,
            ADD COLUMN attempt_id VARCHAR(32),
            ADD COLUMN price_max NUMERIC,
            ADD CONSTRAINT uq_orders_attempt_id UNIQUE (attempt_id),
            ADD CONSTRAINT ck_orders_attempt_named CHECK ((attempt = 1) = (attempt_id IS NULL))
    """)
    op.execute("""
        CREATE TABLE order_attempts (
            attempt_id VARCHAR(32) NOT NULL,
            client_order_id VARCHAR(32) NOT NULL,
            number INTEGER NOT NULL,
            exchange_order_id VARCHAR(64),
            request JSONB,
            answered_at TIMESTAMPTZ,
            ended_at TIMESTAMPTZ NOT NULL,
            looked_again INTEGER NOT NULL DEFAULT 0,
            appeared_at TIMESTAMPTZ,
            executed_qty NUMERIC,
            cost NUMERIC,
            fees JSONB,
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            CONSTRAINT pk_order_attempts PRIMARY KEY (attempt_id),
            CONSTRAINT uq_order_attempts_client_order_id_number UNIQUE (client_order_id, number)
        )
    """)
    op.execute("CREATE INDEX ix_order_attempts_ended_at ON order_attempts (ended_at) WHERE appeared_at IS NULL")


def downgrade() -> None:
    op.execute("DROP TABLE order_attempts")
    op.execute("""
        ALTER TABLE orders
            DROP CONSTRAINT ck_orders_attempt_named,
            DROP CONSTRAINT uq_orders_attempt_id,
            DROP COLUMN price_max,
            DROP COLUMN attempt_id,
            DROP COLUMN attempt
    """)
