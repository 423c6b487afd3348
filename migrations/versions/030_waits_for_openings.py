"""Durations of trades that waited for an announced opening, however short the wait: it is no latency."""

from alembic import op

revision = "030"
down_revision = "027"
branch_labels = None
depends_on = None

# Of versions that did not tell when an order was due: no other listing is decided on after a minute.
_UNTOLD = "times.due_at IS NULL AND decided_at - deduplicated_at < interval '1 minute'"
_DECIDED = {
    "027": "decided_at - deduplicated_at < interval '1 minute'",
    "030": f"({_UNTOLD} OR due_at <= deduplicated_at)",
}
_REACHED = {"027": _DECIDED["027"], "030": f"({_UNTOLD} OR times.due_at IS NOT NULL)"}
_DUE = {"027": "NULL::timestamptz", "030": "(stages ->> 'due_at')::timestamptz"}


def upgrade() -> None:
    _define("030")


def downgrade() -> None:
    # What was counted stays counted: it is a statistic, and nothing is computed from it again.
    _define("027")


def _define(version: str) -> None:
    """Define how long each stage took; `greatest` passes over what is not known."""
    op.execute(f"""
        CREATE OR REPLACE FUNCTION trade_durations(side TEXT, stages JSONB)
        RETURNS TABLE (stage TEXT, bucket SMALLINT)
        LANGUAGE sql STABLE AS $$
            WITH times AS (
                SELECT
                    (stages ->> 'observed_at')::timestamptz AS observed_at,
                    (stages ->> 'published_at')::timestamptz AS published_at,
                    (stages ->> 'deduplicated_at')::timestamptz AS deduplicated_at,
                    (stages ->> 'decided_at')::timestamptz AS decided_at,
                    (stages ->> 'answered_at')::timestamptz AS answered_at,
                    {_DUE[version]} AS due_at
            ), durations AS (
                SELECT 'publish' AS stage, published_at - observed_at AS duration FROM times WHERE side = 'BUY'
                UNION ALL SELECT 'dedup', deduplicated_at - published_at FROM times WHERE side = 'BUY'
                UNION ALL SELECT 'decide', decided_at - deduplicated_at FROM times
                    WHERE side = 'BUY' AND {_DECIDED[version]}
                UNION ALL SELECT 'order', answered_at - greatest(decided_at, due_at) FROM times WHERE side = 'BUY'
                UNION ALL SELECT 'total', answered_at - greatest(observed_at, due_at) FROM times
                    WHERE side = 'BUY' AND {_REACHED[version]}
                UNION ALL SELECT 'sale', answered_at - decided_at FROM times WHERE side = 'SELL'
            )
            SELECT stage, duration_bucket(duration) FROM durations WHERE duration IS NOT NULL
        $$
    """)  # noqa: S608 - constants
