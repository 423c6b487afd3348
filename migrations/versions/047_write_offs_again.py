"""Write-offs again: of a position that was given up, coins may appear that a person gives up once more.

A written-off position remembers its state before: one that was external left no coins in the account.
"""

from alembic import op

revision = "047"
down_revision = "046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE write_offs DROP CONSTRAINT uq_write_offs_listing_key_mode")
    op.execute("CREATE INDEX ix_write_offs_listing_key_mode ON write_offs (listing_key, mode)")
    op.execute("ALTER TABLE positions ADD COLUMN written_off_from VARCHAR(12)")
    # As the comparison with the balances noted it.
    op.execute("""
        UPDATE positions SET written_off_from = 'external'
        WHERE state = 'written_off' AND note LIKE 'the account holds 0 of %'
    """)


def downgrade() -> None:
    op.execute("ALTER TABLE positions DROP COLUMN written_off_from")
    op.execute("DROP INDEX ix_write_offs_listing_key_mode")
    # An older version knows of one for each position: the first. All of them stay in operator_actions.
    op.execute("ALTER TABLE write_offs DISABLE TRIGGER write_offs_immutable")
    op.execute("""
        DELETE FROM write_offs USING write_offs AS first
        WHERE first.listing_key = write_offs.listing_key AND first.mode = write_offs.mode AND first.id < write_offs.id
    """)
    op.execute("ALTER TABLE write_offs ENABLE TRIGGER write_offs_immutable")
    op.execute("ALTER TABLE write_offs ADD CONSTRAINT uq_write_offs_listing_key_mode UNIQUE (listing_key, mode)")
