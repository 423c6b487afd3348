"""Table `unplaced_symbols`: symbols that do not fit events, and their acknowledgement."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from shared.postgres.database import Database

NAMES_MAX: Final = 1000
"""Newest names that are loaded; no exchange lists as many."""
_LOAD: Final = """
    SELECT symbol, CASE WHEN acknowledged_at IS NULL THEN reason END AS reason
    FROM unplaced_symbols ORDER BY id DESC LIMIT $1
"""
_STORE: Final = "INSERT INTO unplaced_symbols (symbol, reason) VALUES ($1, $2) ON CONFLICT DO NOTHING"


@dataclass(frozen=True, slots=True)
class UnplacedStore:
    """Both methods raise TransientError while the database is away."""

    database: Database

    async def load(self) -> Mapping[str, str | None]:
        """Return the known names, each with its reason until it is acknowledged."""
        async with self.database.connection() as connection:
            rows = await connection.fetch(_LOAD, NAMES_MAX)
        return {row["symbol"]: row["reason"] for row in rows}

    async def store(self, name: str, reason: str) -> None:
        """Store *name*, unless it is known."""
        async with self.database.connection() as connection:
            await connection.execute(_STORE, name, reason)
