"""Event log of the stream: triggers append to it, and each event gets its position here once it is visible.

Ids are assigned before commit, so a reader that follows ids can miss one that commits late. Positions are assigned
afterwards, by one process at a time, to all visible events: a reader up to a position has missed nothing.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from shared.postgres.database import Connection

KEPT: Final = 50_000
"""Minimum number of events to resume from."""
BATCH: Final = 500

IS_BEHIND: Final = "SELECT EXISTS (SELECT FROM stream_events WHERE position IS NULL)"
HEAD: Final = "SELECT position FROM stream_head"
TAKE_TURN: Final = "SELECT position FROM stream_head FOR UPDATE"
# Executed while holding the lock, so it sees the positions assigned before.
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
    """An added or changed row; it may have changed since."""

    position: int
    kind: str
    row_id: int


async def assign_positions(connection: Connection) -> None:
    """Assign positions to a batch of events without one."""
    if not await connection.fetchval(IS_BEHIND):
        return
    async with connection.transaction():
        head = await connection.fetchval(TAKE_TURN)
        await connection.execute(PLACE, head, BATCH)


async def head(connection: Connection) -> int:
    """Return the last assigned position."""
    position: int = await connection.fetchval(HEAD)
    return position


async def after(connection: Connection, position: int, *, up_to: int = POSITION_MAX, limit: int) -> list[LoggedEvent]:
    """Return the first *limit* events after *position*."""
    return [LoggedEvent(*row) for row in await connection.fetch(AFTER, position, up_to, limit)]


async def is_kept(connection: Connection, position: int) -> bool:
    """Return whether every event after *position* is still in the log."""
    oldest = await connection.fetchval(OLDEST)
    return position <= await head(connection) and (oldest is None or position >= oldest - 1)


async def prune(connection: Connection, kept: int = KEPT) -> None:
    """Delete all but the last *kept* events."""
    await connection.execute(PRUNE, kept)


def latest_of_each(events: Sequence[LoggedEvent]) -> list[LoggedEvent]:
    """Return only the last of *events* for each row: each shows the row's current state."""
    latest = {(event.kind, event.row_id): event for event in events}
    return sorted(latest.values())
