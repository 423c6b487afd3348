"""Archive: the role `sniper_archive`, and nobody else, may take listings away, and brings rows back without news of it.

Statistics by the hour outlive the rows that they count, so what comes back is not counted again. The role is made where
it is first used, or by whoever sets up the roles: a migration may not have the right.
"""

from alembic import op

revision = "036"
down_revision = "032"
branch_labels = None
depends_on = None

ROLE = "sniper_archive"
_OF_ROWS = "REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT"
# As revision 026 made them.
TOLD = {
    "listings_told": ("listings", "tell_rows('listing', 'sniper_stream')"),
    "listings_counted": ("listings", "count_listings()"),
    "trades_told": ("trades", "tell_rows('trade', 'sniper_stream')"),
    "trades_counted": ("trades", "count_new_trades()"),
}


def upgrade() -> None:
    op.execute(f"""
        CREATE FUNCTION refuse_listing_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND current_user = '{ROLE}' THEN
                RETURN NULL;
            END IF;
            RAISE EXCEPTION 'rows of % are immutable', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
        END
        $$
    """)
    _guard_listings("refuse_listing_change()")
    for name, (table, action) in TOLD.items():
        _tell(name, table, f"WHEN (current_user <> '{ROLE}') EXECUTE FUNCTION {action}")


def downgrade() -> None:
    _guard_listings("refuse_change()")
    op.execute("DROP FUNCTION refuse_listing_change()")
    for name, (table, action) in TOLD.items():
        _tell(name, table, f"EXECUTE FUNCTION {action}")


def _guard_listings(action: str) -> None:
    op.execute("DROP TRIGGER listings_immutable ON listings")
    op.execute(f"""
        CREATE TRIGGER listings_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON listings
        FOR EACH STATEMENT EXECUTE FUNCTION {action}
    """)


def _tell(name: str, table: str, rest: str) -> None:
    op.execute(f"DROP TRIGGER {name} ON {table}")
    op.execute(f"CREATE TRIGGER {name} AFTER INSERT ON {table} {_OF_ROWS} {rest}")
