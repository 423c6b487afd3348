"""Unplaced symbols: listed under names that fit no event; shown until acknowledged."""

from collections.abc import Collection, Sequence
from typing import Final

from pydantic import AwareDatetime

from api.operator import actions
from api.schemas import Answer
from shared.control.config_store import Author
from shared.postgres.database import Database

NEWEST: Final = """
    SELECT symbol, reason, created_at AS seen_at, acknowledged_at, acknowledged_by FROM unplaced_symbols
    WHERE acknowledged_at IS NULL OR NOT $1 ORDER BY id DESC LIMIT $2
"""
ACKNOWLEDGE: Final = """
    UPDATE unplaced_symbols SET acknowledged_at = now(), acknowledged_by = $1
    WHERE acknowledged_at IS NULL AND ($2::text[] IS NULL OR symbol = ANY($2))
    RETURNING symbol, reason, created_at AS seen_at, acknowledged_at, acknowledged_by
"""


class UnplacedSymbol(Answer):
    """A symbol listed under a name that fits no event: it is neither stored nor bought."""

    symbol: str
    reason: str
    """Why the name does not fit."""
    seen_at: AwareDatetime
    acknowledged_at: AwareDatetime | None
    """Null until acknowledged; ingest is degraded until then."""
    acknowledged_by: str | None


async def newest(database: Database, *, limit: int, waiting: bool) -> Sequence[UnplacedSymbol]:
    """Return at most *limit* of them, newest first; with *waiting* only unacknowledged ones."""
    async with database.connection() as connection:
        rows = await connection.fetch(NEWEST, waiting, limit)
    return [UnplacedSymbol.model_validate(dict(row)) for row in rows]


async def acknowledge(
    database: Database, *, by: str, request_id: str | None = None, symbols: Collection[str] | None = None
) -> Sequence[UnplacedSymbol]:
    """Acknowledge *symbols* (None: all); return those that were not acknowledged before."""
    async with database.transaction() as connection:
        rows = await connection.fetch(ACKNOWLEDGE, by, None if symbols is None else list(symbols))
        found = sorted((UnplacedSymbol.model_validate(dict(row)) for row in rows), key=lambda each: each.seen_at)
        if found:
            names = [each.symbol for each in found]
            await actions.record(connection, "acknowledge", Author(by, request_id), details={"symbols": [*names]})
    return found
