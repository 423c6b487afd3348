"""Rows as the database's JSON, one line each, without loss."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from cli.archive.manifest import Table
from shared.postgres.database import Connection, Database

BATCH_ROWS: Final = 1000
"""Rows per batch: a statement must end within its time limit."""
_FIRST: Final = "SELECT min(created_at) FROM {table} WHERE created_at >= $1 AND created_at < $2"
_BATCH: Final = """
    SELECT id, created_at, row_to_json(stored)::text AS line FROM {table} AS stored
    WHERE (created_at, id) > ($1, $2) AND created_at < $3 ORDER BY created_at, id LIMIT $4
"""
_PRESENT: Final = "SELECT id FROM {table} WHERE id = ANY($1::bigint[])"
_BEGINNING: Final = datetime(1, 1, 2, tzinfo=UTC)


@asynccontextmanager
async def utc_transaction(database: Database) -> AsyncIterator[Connection]:
    """Open a transaction with times in UTC whatever the session's zone, so that equal rows are equal lines."""
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL timezone = 'UTC'")
        yield connection


async def next_day(database: Database, table: Table, start: date | None, end: date) -> date | None:
    """Return the first day with rows from *start* on and before *end*; None where none has."""
    since = _BEGINNING if start is None else midnight(start)
    async with database.connection() as connection:
        first: datetime | None = await connection.fetchval(_FIRST.format(table=table), since, midnight(end))
    return None if first is None else first.astimezone(UTC).date()


async def lines(connection: Connection, table: Table, day: date) -> list[str]:
    """Return the rows of *day*, ordered by time."""
    found: list[str] = []
    query, at, last = _BATCH.format(table=table), midnight(day), -1
    while True:
        batch = await connection.fetch(query, at, last, midnight(day + timedelta(days=1)), BATCH_ROWS)
        found += [row["line"] for row in batch]
        if len(batch) < BATCH_ROWS:
            return found
        at, last = batch[-1]["created_at"], batch[-1]["id"]


async def present(connection: Connection, table: Table, ids: Sequence[int]) -> set[int]:
    """Return those of *ids* that the database has a row of, on any day."""
    found: set[int] = set()
    for batch in batches(ids):
        found |= {row["id"] for row in await connection.fetch(_PRESENT.format(table=table), list(batch))}
    return found


async def present_in(database: Database, table: Table, ids: Sequence[int]) -> set[int]:
    """Return the same on a connection of its own."""
    async with database.connection() as connection:
        return await present(connection, table, ids)


def midnight(day: date) -> datetime:
    """Return the start of *day* (UTC)."""
    return datetime.combine(day, time(), UTC)


def batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield *ids* in batches for one statement each."""
    return (ids[start : start + BATCH_ROWS] for start in range(0, len(ids), BATCH_ROWS))
