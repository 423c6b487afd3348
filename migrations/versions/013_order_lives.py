"""The whole life of an order: openings it waits for, attempts, what it got, and the sales that follow."""

from alembic import op

revision = "013"
down_revision = "012"
branch_labels = None
depends_on = None

STATES = "'armed', 'sending', 'acknowledged', 'unknown', 'filled', 'partially_filled', 'rejected', 'expired', 'failed'"
OLD_STATES = "'sending', 'filled', 'rejected', 'failed'"


def upgrade() -> None:
    # What stands open is a dry run that died: nothing is at the exchange for it. Only a newer version that was taken
    # back leaves live ones, which keep their reservation and are looked up.
    op.execute("""
        UPDATE exposure SET reserved_usdt = 0
        WHERE mode = 'dry-run' AND EXISTS (SELECT FROM orders WHERE state = 'sending' AND orders.mode = 'dry-run')
    """)
    op.execute("UPDATE orders SET state = 'failed' WHERE state = 'sending' AND mode = 'dry-run'")
    op.execute(f"""
        ALTER TABLE orders
            ADD COLUMN sequence SMALLINT NOT NULL DEFAULT 1,
            ADD COLUMN base_asset VARCHAR(40) NOT NULL DEFAULT '',
            ADD COLUMN base_qty NUMERIC,
            ADD COLUMN fire_at TIMESTAMPTZ,
            ADD COLUMN send_until TIMESTAMPTZ,
            ADD COLUMN exit_reason VARCHAR(20),
            ADD COLUMN request JSONB,
            ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0,
            ADD COLUMN answered_at TIMESTAMPTZ,
            ADD COLUMN exchange_order_id VARCHAR(64),
            ADD COLUMN misses INTEGER NOT NULL DEFAULT 0,
            ADD COLUMN executed_qty NUMERIC,
            ADD COLUMN cost NUMERIC,
            ADD COLUMN fee NUMERIC,
            ADD COLUMN fee_asset VARCHAR(40),
            ADD COLUMN error_reason TEXT,
            DROP COLUMN trade,
            DROP CONSTRAINT uq_orders_listing_key_mode_side,
            ADD CONSTRAINT uq_orders_listing_key_mode_side_sequence UNIQUE (listing_key, mode, side, sequence),
            DROP CONSTRAINT ck_orders_state_known,
            ADD CONSTRAINT ck_orders_state_known CHECK (state IN ({STATES})),
            ADD CONSTRAINT ck_orders_bought_once CHECK (side = 'SELL' OR sequence = 1)
    """)
    op.execute("UPDATE orders SET state = 'unknown' WHERE state = 'sending'")
    op.execute("""
        UPDATE orders SET
            listing = coalesce(listing, '{}'::jsonb), send_until = decided_at,
            base_asset = coalesce(listing ->> 'base_asset', symbol)
    """)
    op.execute("ALTER TABLE orders ALTER COLUMN send_until SET NOT NULL, ALTER COLUMN listing SET NOT NULL")
    op.execute("DROP INDEX ix_orders_sending")
    op.execute("""
        CREATE INDEX ix_orders_open ON orders (created_at)
        WHERE state IN ('armed', 'sending', 'acknowledged', 'unknown')
    """)
    op.execute("""
        CREATE UNIQUE INDEX uq_orders_base_asset_at_large ON orders (mode, base_asset)
        WHERE side = 'BUY' AND state IN ('sending', 'acknowledged', 'unknown')
    """)
    op.execute("""
        ALTER TABLE exposure
            ADD COLUMN ceiling_usdt NUMERIC(14, 2) NOT NULL DEFAULT 0,
            ADD COLUMN recent_orders TIMESTAMPTZ[] NOT NULL DEFAULT '{}',
            ADD COLUMN day DATE NOT NULL DEFAULT '1970-01-01',
            ADD COLUMN day_orders INTEGER NOT NULL DEFAULT 0,
            ADD COLUMN day_spent_usdt NUMERIC(14, 2) NOT NULL DEFAULT 0,
            ADD COLUMN failures INTEGER NOT NULL DEFAULT 0
    """)
    op.execute("UPDATE exposure SET ceiling_usdt = reserved_usdt + filled_usdt")
    op.execute("""
        ALTER TABLE exposure
            ADD CONSTRAINT ck_exposure_within_ceiling CHECK (reserved_usdt + filled_usdt <= ceiling_usdt)
    """)


def downgrade() -> None:
    op.execute("""
        ALTER TABLE exposure
            DROP COLUMN ceiling_usdt, DROP COLUMN recent_orders, DROP COLUMN day, DROP COLUMN day_orders,
            DROP COLUMN day_spent_usdt, DROP COLUMN failures
    """)
    op.execute("DROP INDEX uq_orders_base_asset_at_large")
    op.execute("DROP INDEX ix_orders_open")
    # What the old schema has no word for: sales, and orders that wait.
    op.execute("DELETE FROM orders WHERE side = 'SELL' OR state = 'armed'")
    # What is in doubt stays open, and its money reserved.
    op.execute("""
        UPDATE orders SET state = CASE state
            WHEN 'partially_filled' THEN 'filled' WHEN 'expired' THEN 'rejected'
            WHEN 'acknowledged' THEN 'sending' WHEN 'unknown' THEN 'sending' ELSE state END
    """)
    op.execute(f"""
        ALTER TABLE orders
            ADD COLUMN trade JSONB,
            DROP CONSTRAINT uq_orders_listing_key_mode_side_sequence,
            ADD CONSTRAINT uq_orders_listing_key_mode_side UNIQUE (listing_key, mode, side),
            DROP CONSTRAINT ck_orders_state_known,
            ADD CONSTRAINT ck_orders_state_known CHECK (state IN ({OLD_STATES})),
            DROP CONSTRAINT ck_orders_bought_once,
            DROP COLUMN sequence, DROP COLUMN base_asset, DROP COLUMN base_qty, DROP COLUMN fire_at,
            DROP COLUMN send_until, DROP COLUMN exit_reason, DROP COLUMN request, DROP COLUMN attempts,
            DROP COLUMN answered_at, DROP COLUMN exchange_order_id, DROP COLUMN misses, DROP COLUMN executed_qty,
            DROP COLUMN cost, DROP COLUMN fee, DROP COLUMN fee_asset, DROP COLUMN error_reason,
            ALTER COLUMN listing DROP NOT NULL
    """)
    op.execute("CREATE INDEX ix_orders_sending ON orders (created_at) WHERE state = 'sending'")
