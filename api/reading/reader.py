"""Database reads of the API: limited in number and time, as services share the connection pool."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from shared.errors import TransientError
from shared.postgres.database import Database

READ_SECONDS_MAX: Final = 2.0
"""SQLAlchemy's driver takes another two seconds to give up on a server that hangs."""
READS_MAX: Final = 4
"""Concurrent connections: in one process with the executor, most of the pool is for orders."""

Row: TypeAlias = Mapping[str, Any]
"""Values by column name."""


class Reader:
    """Runs single statements; raises TransientError if the server is unavailable or slow, or all turns are taken."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(READS_MAX)

    async def fetch(self, statement: str, *arguments: object) -> Sequence[Row]:
        """Return the rows of *statement*, which is prepared once per connection."""
        try:
            async with asyncio.timeout(READ_SECONDS_MAX), self._turns, self._database.connection() as connection:
                return cast("Sequence[Row]", await connection.fetch(statement, *arguments))
        except TimeoutError:
            raise TransientError(f"database away: no answer in {READ_SECONDS_MAX:g} s") from None

    async def fetchrow(self, statement: str, *arguments: object) -> Row | None:
        """Return the first row of *statement*; None if there is none."""
        rows = await self.fetch(statement, *arguments)
        return rows[0] if rows else None
