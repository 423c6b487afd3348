"""Trade config: the limits, one row, safe defaults."""

from alembic import op

revision = "004"
down_revision = "003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE TABLE trade_config (
            id SMALLINT NOT NULL DEFAULT 1 CONSTRAINT pk_trade_config PRIMARY KEY,
            max_trade_usdt NUMERIC(12, 2) NOT NULL,
            max_position_usdt NUMERIC(12, 2) NOT NULL,
            auto_trade BOOLEAN NOT NULL DEFAULT false,
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            CONSTRAINT ck_trade_config_single_row CHECK (id = 1),
            CONSTRAINT ck_trade_config_max_trade_positive CHECK (max_trade_usdt > 0 AND max_trade_usdt <> 'NaN'),
            CONSTRAINT ck_trade_config_max_position_covers_trade
                CHECK (max_position_usdt >= max_trade_usdt AND max_position_usdt <> 'NaN')
        )
    """)
    op.execute("INSERT INTO trade_config (max_trade_usdt, max_position_usdt, auto_trade) VALUES (100, 1000, false)")


def downgrade() -> None:
    op.execute("DROP TABLE trade_config")
