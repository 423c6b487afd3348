"""Reads for people: few at a time and each within a time limit, beside services that share the connections."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias, cast

from shared.errors import TransientError
from shared.postgres.database import Database

READ_SECONDS_MAX: Final = 2.0
"""Giving up on a server that hangs takes SQLAlchemy's driver another two seconds."""
READS_MAX: Final = 4
"""Connections taken at a time: in one process with the executor, most of the pool is for orders."""

Row: TypeAlias = Mapping[str, Any]
"""Values by the names of their columns."""


class Reader:
    """Runs single statements; raises TransientError when the server is away, too slow, or every turn is taken."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns = asyncio.Semaphore(READS_MAX)

    async def fetch(self, statement: str, *arguments: object) -> Sequence[Row]:
        """Return the rows of *statement*, which is prepared once for each connection."""
        try:
            async with asyncio.timeout(READ_SECONDS_MAX), self._turns, self._database.connection() as connection:
                return cast("Sequence[Row]", await connection.fetch(statement, *arguments))
        except TimeoutError:
            raise TransientError(f"database away: no answer in {READ_SECONDS_MAX:g} s") from None

    async def fetchrow(self, statement: str, *arguments: object) -> Row | None:
        """Return the first row of *statement*; None where there is none."""
        rows = await self.fetch(statement, *arguments)
        return rows[0] if rows else None
