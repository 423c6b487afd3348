"""Symbols listed under a name that no event has a place for, and that a person has seen them."""

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
    """What the exchange lists under a name that no event has a place for: it is neither stored nor bought."""

    symbol: str
    reason: str
    """Why it has no place."""
    seen_at: AwareDatetime
    acknowledged_at: AwareDatetime | None
    """When a person said that they know; null while nobody has, and ingest is degraded for it."""
    acknowledged_by: str | None


async def newest(database: Database, *, limit: int, waiting: bool) -> Sequence[UnplacedSymbol]:
    """Return *limit* of them at most, newest first; where *waiting*, those alone that nobody has acknowledged."""
    async with database.connection() as connection:
        rows = await connection.fetch(NEWEST, waiting, limit)
    return [UnplacedSymbol.model_validate(dict(row)) for row in rows]


async def acknowledge(
    database: Database, *, by: str, request_id: str | None = None, symbols: Collection[str] | None = None
) -> Sequence[UnplacedSymbol]:
    """Record that a person knows of *symbols* (None: of all there are); return those that were not known to one."""
    async with database.transaction() as connection:
        rows = await connection.fetch(ACKNOWLEDGE, by, None if symbols is None else list(symbols))
        found = sorted((UnplacedSymbol.model_validate(dict(row)) for row in rows), key=lambda each: each.seen_at)
        if found:
            names = [each.symbol for each in found]
            await actions.record(connection, "acknowledge", Author(by, request_id), details={"symbols": [*names]})
    return found
