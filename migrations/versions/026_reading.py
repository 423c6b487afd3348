"""Reading: keyset indexes, statistics by the hour, the log of the event stream, and facts beside health.

Statistics and log are kept by triggers, in the transaction of the row that they tell of. Each session counts in rows
of its own, and what the executor writes (`positions`, `halts`) sends no notification: nobody waits for anybody.
"""

from alembic import op

revision = "026"
down_revision = "025"
branch_labels = None
depends_on = None

# The columns of each index. The first five replace one of the same name that lacks their end.
INDEXES = {
    "ix_listings_created_at": "listings (created_at DESC, id DESC)",
    "ix_listings_source_created_at": "listings (source, created_at DESC, id DESC)",
    "ix_trades_created_at": "trades (created_at DESC, id DESC)",
    "ix_trades_symbol": "trades (symbol, created_at DESC, id DESC)",
    "ix_trades_status": "trades (status, created_at DESC, id DESC)",
    "ix_trades_mode": "trades (mode, created_at DESC, id DESC)",
    "ix_trades_listing_key": "trades (listing_key)",
    "ix_orders_created_at": "orders (created_at DESC, id DESC)",
    "ix_orders_symbol": "orders (symbol, created_at DESC, id DESC)",
    "ix_positions_opened_at": "positions (opened_at DESC, id DESC)",
    "ix_positions_symbol": "positions (symbol, opened_at DESC, id DESC)",
    "ix_positions_closed_at": "positions (closed_at) WHERE closed_at IS NOT NULL",
}
BEFORE = {
    "ix_listings_created_at": "listings (created_at DESC)",
    "ix_listings_source_created_at": "listings (source, created_at DESC)",
    "ix_trades_created_at": "trades (created_at DESC)",
    "ix_trades_symbol": "trades (symbol)",
    "ix_trades_status": "trades (status)",
}
FUNCTIONS = (
    "tell_row()",
    "tell_rows()",
    "count_listings()",
    "count_sightings()",
    "count_new_trades()",
    "count_changed_trades()",
    "trade_durations(text, jsonb)",
    "duration_bucket(interval)",
)
_OF_ROWS = "REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT"
_OF_CHANGES = "REFERENCING NEW TABLE AS fresh OLD TABLE AS stale FOR EACH STATEMENT"
# The price of a position is looked at every second: what it is worth is no event.
_OF_CHANGED_POSITION = """FOR EACH ROW WHEN (
    (OLD.state, OLD.base_qty, OLD.cost_usdt, OLD.received_usdt, OLD.note)
        IS DISTINCT FROM (NEW.state, NEW.base_qty, NEW.cost_usdt, NEW.received_usdt, NEW.note)
)"""
TRIGGERS = {
    "listings_told": (f"INSERT ON listings {_OF_ROWS}", "tell_rows('listing', 'sniper_stream')"),
    "listings_counted": (f"INSERT ON listings {_OF_ROWS}", "count_listings()"),
    "sightings_counted": (f"INSERT ON listing_observations {_OF_ROWS}", "count_sightings()"),
    "trades_told": (f"INSERT ON trades {_OF_ROWS}", "tell_rows('trade', 'sniper_stream')"),
    "trades_changed_told": (f"UPDATE ON trades {_OF_ROWS}", "tell_rows('trade', 'sniper_stream')"),
    "trades_counted": (f"INSERT ON trades {_OF_ROWS}", "count_new_trades()"),
    "trades_changed_counted": (f"UPDATE ON trades {_OF_CHANGES}", "count_changed_trades()"),
    "config_told": ("INSERT ON trade_config_audit FOR EACH ROW", "tell_row('config', 'sniper_stream')"),
    "halts_told": ("INSERT ON halts FOR EACH ROW", "tell_row('halt')"),
    "positions_told": ("INSERT ON positions FOR EACH ROW", "tell_row('position')"),
    "positions_changed_told": (f"UPDATE ON positions {_OF_CHANGED_POSITION}", "tell_row('position')"),
}
_FRESH = "SELECT 1 AS times, fresh.* FROM fresh"
_CHANGED = "SELECT 1 AS times, fresh.* FROM fresh UNION ALL SELECT -1, stale.* FROM stale"
_STORED = "SELECT 1 AS times, trades.* FROM trades"


def upgrade() -> None:
    _index()
    op.execute("ALTER TABLE bot_health ADD COLUMN facts JSONB NOT NULL DEFAULT '{}'")
    op.execute("ALTER TABLE symbols ADD COLUMN opens_moved_from TIMESTAMPTZ")
    _create_tables()
    _create_functions()
    _fill()
    _create_triggers()


def _index() -> None:
    for name, columns in INDEXES.items():
        op.execute(f"DROP INDEX IF EXISTS {name}")
        op.execute(f"CREATE INDEX {name} ON {columns}")


def _create_tables() -> None:
    op.execute("""
        CREATE TABLE listing_hours (
            hour TIMESTAMPTZ NOT NULL,
            source VARCHAR(20) NOT NULL,
            listings BIGINT NOT NULL,
            session INTEGER NOT NULL,
            CONSTRAINT pk_listing_hours PRIMARY KEY (hour, source, session)
        )
    """)
    op.execute("""
        CREATE TABLE sighting_hours (
            hour TIMESTAMPTZ NOT NULL,
            first_source VARCHAR(20) NOT NULL,
            source VARCHAR(20) NOT NULL,
            bucket SMALLINT NOT NULL,
            sightings BIGINT NOT NULL,
            session INTEGER NOT NULL,
            CONSTRAINT pk_sighting_hours PRIMARY KEY (hour, first_source, source, bucket, session)
        )
    """)
    op.execute("""
        CREATE TABLE trade_hours (
            hour TIMESTAMPTZ NOT NULL,
            mode VARCHAR(7) NOT NULL,
            side VARCHAR(4) NOT NULL,
            status VARCHAR(8) NOT NULL,
            reason VARCHAR(40) NOT NULL,
            trades BIGINT NOT NULL,
            quote_qty NUMERIC NOT NULL,
            session INTEGER NOT NULL,
            CONSTRAINT pk_trade_hours PRIMARY KEY (hour, mode, side, status, reason, session)
        )
    """)
    op.execute("""
        CREATE TABLE latency_hours (
            hour TIMESTAMPTZ NOT NULL,
            mode VARCHAR(7) NOT NULL,
            stage VARCHAR(12) NOT NULL,
            bucket SMALLINT NOT NULL,
            samples BIGINT NOT NULL,
            session INTEGER NOT NULL,
            CONSTRAINT pk_latency_hours PRIMARY KEY (hour, mode, stage, bucket, session)
        )
    """)
    op.execute("""
        CREATE TABLE stream_events (
            id BIGINT GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_stream_events PRIMARY KEY,
            kind VARCHAR(10) NOT NULL,
            row_id BIGINT NOT NULL,
            position BIGINT CONSTRAINT uq_stream_events_position UNIQUE,
            created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
            CONSTRAINT ck_stream_events_kind_known
                CHECK (kind IN ('listing', 'trade', 'position', 'halt', 'config'))
        )
    """)
    op.execute("CREATE INDEX ix_stream_events_unplaced ON stream_events (id) WHERE position IS NULL")
    op.execute("""
        CREATE TABLE stream_head (
            id SMALLINT NOT NULL DEFAULT 1 CONSTRAINT pk_stream_head PRIMARY KEY,
            position BIGINT NOT NULL,
            CONSTRAINT ck_stream_head_single_row CHECK (id = 1)
        )
    """)
    op.execute("INSERT INTO stream_head (position) VALUES (0)")


def _create_functions() -> None:
    # A role that may write a listing need not be granted what only reports of it.
    definer = "LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT"
    # Bucket n ends at 0.1 ms x 1.1^n: a percentile that is read off them is within 5 % of the truth.
    op.execute("""
        CREATE FUNCTION duration_bucket(duration INTERVAL) RETURNS SMALLINT LANGUAGE sql IMMUTABLE AS $$
            SELECT ceil(ln(greatest(extract(epoch FROM duration)::float8, 1e-4) / 1e-4) / ln(1.1))::smallint
        $$
    """)
    # What waited for an opening was decided on late because it had to be. No other listing is decided on after a
    # minute.
    op.execute("""
        CREATE FUNCTION trade_durations(side TEXT, stages JSONB) RETURNS TABLE (stage TEXT, bucket SMALLINT)
        LANGUAGE sql STABLE AS $$
            WITH times AS (
                SELECT
                    (stages ->> 'observed_at')::timestamptz AS observed_at,
                    (stages ->> 'published_at')::timestamptz AS published_at,
                    (stages ->> 'deduplicated_at')::timestamptz AS deduplicated_at,
                    (stages ->> 'decided_at')::timestamptz AS decided_at,
                    (stages ->> 'answered_at')::timestamptz AS answered_at
            ), durations AS (
                SELECT 'publish' AS stage, published_at - observed_at AS duration FROM times WHERE side = 'BUY'
                UNION ALL SELECT 'dedup', deduplicated_at - published_at FROM times WHERE side = 'BUY'
                UNION ALL SELECT 'decide', decided_at - deduplicated_at FROM times
                    WHERE side = 'BUY' AND decided_at - deduplicated_at < interval '1 minute'
                UNION ALL SELECT 'order', answered_at - decided_at FROM times WHERE side = 'BUY'
                UNION ALL SELECT 'total', answered_at - observed_at FROM times
                    WHERE side = 'BUY' AND decided_at - deduplicated_at < interval '1 minute'
                UNION ALL SELECT 'sale', answered_at - decided_at FROM times WHERE side = 'SELL'
            )
            SELECT stage, duration_bucket(duration) FROM durations WHERE duration IS NOT NULL
        $$
    """)
    op.execute(f"""
        CREATE FUNCTION tell_row() RETURNS trigger {definer} AS $$
        BEGIN
            INSERT INTO stream_events (kind, row_id) VALUES (TG_ARGV[0], NEW.id);
            IF TG_NARGS > 1 THEN
                PERFORM pg_notify(TG_ARGV[1], '');
            END IF;
            RETURN NULL;
        END
        $$
    """)  # noqa: S608 - constants
    op.execute(f"""
        CREATE FUNCTION tell_rows() RETURNS trigger {definer} AS $$
        BEGIN
            INSERT INTO stream_events (kind, row_id) SELECT TG_ARGV[0], id FROM fresh ORDER BY id;
            IF FOUND THEN
                PERFORM pg_notify(TG_ARGV[1], '');
            END IF;
            RETURN NULL;
        END
        $$
    """)  # noqa: S608 - constants
    op.execute(f"""
        CREATE FUNCTION count_listings() RETURNS trigger {definer} AS $$
        BEGIN
            INSERT INTO listing_hours AS known (hour, source, listings, session)
            SELECT date_trunc('hour', created_at, 'UTC'), source, count(*), pg_backend_pid()
            FROM fresh GROUP BY 1, 2 ORDER BY 1, 2
            ON CONFLICT (hour, source, session) DO UPDATE SET listings = known.listings + excluded.listings;
            RETURN NULL;
        END
        $$
    """)  # noqa: S608 - constants
    # The first word of each other source. A negative lag is that of one which saw it before, and told only after.
    op.execute(f"""
        CREATE FUNCTION count_sightings() RETURNS trigger {definer} AS $$
        BEGIN
            INSERT INTO sighting_hours AS known (hour, first_source, source, bucket, sightings, session)
            SELECT
                date_trunc('hour', seen.created_at, 'UTC'),
                CASE WHEN seen.lag_ms < 0 THEN seen.source ELSE claim.listing ->> 'source' END,
                CASE WHEN seen.lag_ms < 0 THEN claim.listing ->> 'source' ELSE seen.source END,
                duration_bucket(abs(seen.lag_ms) * interval '1 millisecond'),
                count(*), pg_backend_pid()
            FROM fresh AS seen JOIN listing_claims AS claim USING (listing_key)
            WHERE seen.source <> claim.listing ->> 'source' AND NOT EXISTS (
                SELECT FROM listing_observations AS earlier
                WHERE earlier.listing_key = seen.listing_key AND earlier.source = seen.source AND earlier.id < seen.id
            )
            GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
            ON CONFLICT (hour, first_source, source, bucket, session)
                DO UPDATE SET sightings = known.sightings + excluded.sightings;
            RETURN NULL;
        END
        $$
    """)  # noqa: S608 - constants
    _create_trade_counters(definer)


def _create_trade_counters(definer: str) -> None:
    op.execute(f"""
        CREATE FUNCTION count_new_trades() RETURNS trigger {definer} AS $$
        BEGIN
            {_trades_counted(_FRESH)};
            {_durations_counted(_FRESH)};
            RETURN NULL;
        END
        $$
    """)
    op.execute(f"""
        CREATE FUNCTION count_changed_trades() RETURNS trigger {definer} AS $$
        BEGIN
            {_trades_counted(_CHANGED)};
            {_durations_counted(_CHANGED)};
            RETURN NULL;
        END
        $$
    """)


def _trades_counted(trades: str) -> str:
    """Return the statement that adds these trades, each so many times, to their hours."""
    return f"""
        INSERT INTO trade_hours AS known (hour, mode, side, status, reason, trades, quote_qty, session)
        SELECT
            date_trunc('hour', created_at, 'UTC'), mode, side, status,
            CASE
                WHEN status NOT IN ('rejected', 'failed') OR error_reason IS NULL THEN ''
                WHEN split_part(error_reason, ':', 1) ~ '^[a-z_]{{1,40}}$' THEN split_part(error_reason, ':', 1)
                ELSE 'other'
            END,
            sum(times), sum(times * quote_qty), pg_backend_pid()
        FROM ({trades}) AS counted
        GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5
        ON CONFLICT (hour, mode, side, status, reason, session)
            DO UPDATE SET trades = known.trades + excluded.trades, quote_qty = known.quote_qty + excluded.quote_qty
    """  # noqa: S608 - constants


def _durations_counted(trades: str) -> str:
    """Return the same for how long each of their stages took."""
    return f"""
        INSERT INTO latency_hours AS known (hour, mode, stage, bucket, samples, session)
        SELECT
            date_trunc('hour', created_at, 'UTC'), mode, durations.stage, durations.bucket, sum(times), pg_backend_pid()
        FROM ({trades}) AS counted, trade_durations(side, stages) AS durations
        GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
        ON CONFLICT (hour, mode, stage, bucket, session) DO UPDATE SET samples = known.samples + excluded.samples
    """  # noqa: S608 - constants


def _fill() -> None:
    """Count what is there already; the stream begins with what comes next."""
    op.execute("""
        INSERT INTO listing_hours (hour, source, listings, session)
        SELECT date_trunc('hour', created_at, 'UTC'), source, count(*), 0 FROM listings GROUP BY 1, 2
    """)
    op.execute("""
        INSERT INTO sighting_hours (hour, first_source, source, bucket, sightings, session)
        SELECT
            date_trunc('hour', created_at, 'UTC'),
            CASE WHEN lag_ms < 0 THEN source ELSE claimed END,
            CASE WHEN lag_ms < 0 THEN claimed ELSE source END,
            duration_bucket(abs(lag_ms) * interval '1 millisecond'),
            count(*), 0
        FROM (
            SELECT DISTINCT ON (listing_key, source) seen.*, listing ->> 'source' AS claimed
            FROM listing_observations AS seen JOIN listing_claims USING (listing_key)
            ORDER BY listing_key, source, seen.id
        ) AS first_words
        WHERE source <> claimed
        GROUP BY 1, 2, 3, 4
    """)
    op.execute(_trades_counted(_STORED))
    op.execute(_durations_counted(_STORED))


def _create_triggers() -> None:
    for name, (event, action) in TRIGGERS.items():
        op.execute(f"CREATE TRIGGER {name} AFTER {event} EXECUTE FUNCTION {action}")


def downgrade() -> None:
    for name, (event, _) in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {name} ON {event.split()[2]}")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function}")
    op.execute("DROP TABLE stream_head, stream_events, latency_hours, trade_hours, sighting_hours, listing_hours")
    op.execute("ALTER TABLE symbols DROP COLUMN opens_moved_from")
    op.execute("ALTER TABLE bot_health DROP COLUMN facts")
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
    for name, columns in BEFORE.items():
        op.execute(f"CREATE INDEX {name} ON {columns}")
