"""Table `symbols`: the records of ingest across restarts."""

from collections.abc import Collection, Sequence
from itertools import islice
from operator import attrgetter
from typing import Final

import asyncpg
import structlog

from ingest.catalogue import SymbolRecord, SymbolState
from shared.errors import PermanentError
from shared.postgres.database import Connection, Database
from shared.postgres.error_translation import refused_is_permanent

log = structlog.get_logger(__name__)

TEXT_LENGTH_MAX: Final = 40
ROWS_PER_STATEMENT: Final = 150
"""Rows per statement: a few milliseconds, then other tasks run."""

_LOAD: Final = """
    SELECT symbol, state, base_asset, quote_asset, first_seen_at, opens_at, occurrence, published, trading_since,
           gone_since, late, opens_moved_from
    FROM symbols
"""
# Beside another process on the express way, one that was cut off meanwhile may know of an earlier listing only. Its
# record would have the next start number the listing that follows as one that was claimed already.
_STORE: Final = """
    INSERT INTO symbols AS known (
        symbol, state, base_asset, quote_asset, first_seen_at, opens_at, occurrence, published, trading_since,
        gone_since, late
    )
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::int[], $8::bool[],
        $9::timestamptz[], $10::timestamptz[], $11::bool[]
    )
    ON CONFLICT (symbol) DO UPDATE
    SET state = excluded.state, base_asset = excluded.base_asset, quote_asset = excluded.quote_asset,
        first_seen_at = excluded.first_seen_at, opens_at = excluded.opens_at, occurrence = excluded.occurrence,
        published = excluded.published, trading_since = excluded.trading_since, gone_since = excluded.gone_since,
        late = excluded.late,
        opens_moved_from = CASE
            WHEN known.occurrence <> excluded.occurrence THEN NULL
            WHEN known.opens_at <> excluded.opens_at THEN known.opens_at
            ELSE known.opens_moved_from
        END,
        updated_at = now()
    WHERE known.occurrence <= excluded.occurrence
"""

_COLUMNS_OF: Final = attrgetter(
    "symbol",
    "state.value",
    "base_asset",
    "quote_asset",
    "first_seen_at",
    "opens_at",
    "occurrence",
    "published",
    "trading_since",
    "gone_since",
    "late",
)
"""Values in the order of the columns above."""


async def load(database: Database) -> Sequence[SymbolRecord]:
    """Return every stored record; none means that this is the first start. Raises TransientError."""
    async with database.transaction() as connection:
        return [_record(row) async for row in connection.cursor(_LOAD, prefetch=ROWS_PER_STATEMENT)]


async def store(database: Database, symbols: Collection[SymbolRecord]) -> None:
    """Store all of *symbols*, each once, or none. Raises TransientError.

    All or none matters for the first baseline: half of one would make the other half look new at the next start.
    Records that do not fit the table are left out one by one.
    """
    texts_of = attrgetter("symbol", "base_asset", "quote_asset")
    fitting = (
        record
        for record in symbols
        if all(len(text) <= TEXT_LENGTH_MAX and "\0" not in text for text in texts_of(record))
    )
    rows, count = map(_COLUMNS_OF, fitting), 0
    async with database.transaction() as connection:
        while some := list(islice(rows, ROWS_PER_STATEMENT)):
            count += await _store_some(connection, some)
    if count < len(symbols):
        log.warning("symbols the table has no room for", count=len(symbols) - count)


async def _store_some(connection: Connection, rows: Sequence[tuple[object, ...]]) -> int:
    """Store *rows* and return how many were; halve them on a refusal, until the refused row stands alone."""
    try:
        with refused_is_permanent():
            async with connection.transaction():
                await connection.execute(_STORE, *zip(*rows, strict=True))
    except PermanentError as error:
        if len(rows) == 1:
            log.warning("a symbol the table has no room for", reason=str(error))
            return 0
        middle = len(rows) // 2
        return await _store_some(connection, rows[:middle]) + await _store_some(connection, rows[middle:])
    return len(rows)


def _record(row: asyncpg.Record) -> SymbolRecord:
    """Return the record of *row*. An unknown state of another version counts as suspended: the symbol is not new."""
    try:
        state = SymbolState(row["state"])
    except ValueError:
        log.warning("a state that cannot be read", symbol=row["symbol"], state=row["state"])
        state = SymbolState.SUSPENDED
    return SymbolRecord(**{**row, "state": state})
