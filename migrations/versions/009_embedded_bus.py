"""The in-process bus: a message stays in this table until it is acknowledged."""

from alembic import op

revision = "009"
down_revision = "008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Rows come and go, so the default of a fifth of the table would let too many dead ones stand before the live ones.
    op.execute("""
        CREATE TABLE bus_messages (
            queue VARCHAR(100) NOT NULL,
            id BIGINT GENERATED ALWAYS AS IDENTITY,
            exchange VARCHAR(255) NOT NULL,
            routing_key VARCHAR(255) NOT NULL,
            body BYTEA NOT NULL,
            message_id TEXT NOT NULL,
            content_type TEXT NOT NULL,
            headers JSONB NOT NULL,
            deliveries INTEGER NOT NULL,
            published_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            CONSTRAINT pk_bus_messages PRIMARY KEY (queue, id)
        ) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)
    """)


def downgrade() -> None:
    op.execute("DROP TABLE bus_messages")
