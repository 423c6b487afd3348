"""Only who may resume may take back a halt."""

from alembic import op

revision = "050"
down_revision = "049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION trade_config_keep_halted() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT has_column_privilege(TG_RELID, 'resumed_at', 'UPDATE') THEN
                RAISE insufficient_privilege USING MESSAGE = 'trading is halted, and this role may not resume it';
            END IF;
            RETURN NEW;
        END $$
    """)
    op.execute("""
        CREATE TRIGGER trade_config_keep_halted BEFORE UPDATE ON trade_config FOR EACH ROW
        WHEN (OLD.halted AND NOT NEW.halted OR OLD.exits_halted AND NOT NEW.exits_halted)
        EXECUTE FUNCTION trade_config_keep_halted()
    """)


def downgrade() -> None:
    op.execute("DROP TRIGGER trade_config_keep_halted ON trade_config")
    op.execute("DROP FUNCTION trade_config_keep_halted()")
