"""Symbols listed under a name that no event has a place for, and that a person has seen them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from shared.database import Database

ACKNOWLEDGE: Final = """
    UPDATE unplaced_symbols SET acknowledged_at = now(), acknowledged_by = $1
    WHERE acknowledged_at IS NULL
    RETURNING symbol, reason, created_at
"""


class UnplacedSymbol(NamedTuple):
    symbol: str
    reason: str
    seen_at: datetime


async def acknowledge(database: Database, *, by: str) -> Sequence[UnplacedSymbol]:
    """Record that a person knows of all there are, and return those that were not known to one before."""
    async with database.connection() as connection:
        rows = await connection.fetch(ACKNOWLEDGE, by)
    return sorted((UnplacedSymbol(*row) for row in rows), key=lambda each: each.seen_at)
