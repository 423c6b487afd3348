"""Log of the stream: triggers append to it, and here each event is given its position once it can be seen.

Ids are given before rows are committed, so a reader who follows ids can miss one that is committed late. Positions are
given afterwards, by one at a time, to all that can be seen: whoever has read up to a position has missed nothing.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from asyncpg import Record

from shared.postgres.database import Connection

KEPT: Final = 50_000
"""Events that a client can resume from, at least."""
BATCH: Final = 500

IS_BEHIND: Final = "SELECT EXISTS (SELECT FROM stream_events WHERE position IS NULL)"
HEAD: Final = "SELECT position FROM stream_head"
TAKE_TURN: Final = "SELECT position FROM stream_head FOR UPDATE"
# Begun once it is our turn, so it sees what those before us have placed.
PLACE: Final = """
    WITH fresh AS (
        SELECT id, row_number() OVER (ORDER BY id) AS number
        FROM (SELECT id FROM stream_events WHERE position IS NULL ORDER BY id LIMIT $2) AS unplaced
    ), placed AS (
        UPDATE stream_events SET position = $1 + fresh.number FROM fresh WHERE stream_events.id = fresh.id
        RETURNING true
    )
    UPDATE stream_head SET position = $1 + (SELECT count(*) FROM placed)
"""
AFTER: Final = """
    SELECT position, kind, row_id FROM stream_events WHERE position > $1 AND position <= $2 ORDER BY position LIMIT $3
"""
OLDEST: Final = "SELECT position FROM stream_events WHERE position IS NOT NULL ORDER BY position LIMIT 1"
PRUNE: Final = "DELETE FROM stream_events WHERE position <= (SELECT position FROM stream_head) - $1::bigint"

POSITION_MAX: Final = 2**63 - 1


class LoggedEvent(NamedTuple):
    """A row was added or changed; it may have changed since."""

    position: int
    kind: str
    row_id: int


async def place(connection: Connection) -> None:
    """Give positions to the events that have none, a batch of them."""
    if not await connection.fetchval(IS_BEHIND):
        return
    async with connection.transaction():
        head = await connection.fetchval(TAKE_TURN)
        await connection.execute(PLACE, head, BATCH)


async def head(connection: Connection) -> int:
    """Return the last position given."""
    position: int = await connection.fetchval(HEAD)
    return position


async def after(connection: Connection, position: int, *, up_to: int = POSITION_MAX, limit: int) -> list[LoggedEvent]:
    """Return the events that follow *position*, the first *limit* of them."""
    return [_event(row) for row in await connection.fetch(AFTER, position, up_to, limit)]


async def is_kept(connection: Connection, position: int) -> bool:
    """Return whether every event after *position* is still in the log."""
    oldest = await connection.fetchval(OLDEST)
    return position <= await head(connection) and (oldest is None or position >= oldest - 1)


async def prune(connection: Connection, kept: int = KEPT) -> None:
    """Forget events that are older than the last *kept* of them."""
    await connection.execute(PRUNE, kept)


def latest_of_each(events: Sequence[LoggedEvent]) -> list[LoggedEvent]:
    """Return *events* without those of a row that follow again: each shows the row as it is now."""
    latest = {(event.kind, event.row_id): event for event in events}
    return sorted(latest.values())


def _event(row: Record) -> LoggedEvent:
    return LoggedEvent(row["position"], row["kind"], row["row_id"])
