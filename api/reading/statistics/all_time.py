"""All-time results: old ones are summed up once, and only the last weeks are read each time."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from api.reading.reader import Reader
from api.reading.statistics.ended_positions import ENDED
from shared.events import Mode

FRESH_DAYS: Final = 31
"""A result may still change for a while, as when a fee becomes known; older ones are not read again."""
STEP_DAYS: Final = 92
"""Days summed up by one statement, which has a time limit."""

OLDEST: Final = "SELECT min(closed_at) AS oldest FROM positions WHERE closed_at IS NOT NULL"
BETWEEN: Final = f"""
    SELECT mode, sum(result) AS realised FROM ({ENDED}) AS ended WHERE closed_at < $2 GROUP BY mode
"""  # noqa: S608 - constants


class AllTime:
    """Exact realised results by mode before a day; cached for the lifetime of the process."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._turn = asyncio.Lock()
        self._until: date | None = None
        self._sums: dict[Mode, Decimal] = {}

    async def before(self, day: date) -> Mapping[Mode, Decimal]:
        """Return the results realised before *day* (UTC); raises TransientError, and continues at the next call."""
        async with self._turn:
            if self._until is None or self._until > day:
                row = await self._reader.fetchrow(OLDEST)
                oldest: datetime | None = None if row is None else row["oldest"]
                self._sums = dict.fromkeys(Mode, Decimal(0))
                self._until = day if oldest is None else min(day, oldest.astimezone(UTC).date())
            while self._until < day:
                until = min(day, self._until + timedelta(days=STEP_DAYS))
                for row in await self._reader.fetch(BETWEEN, _begin(self._until), _begin(until)):
                    self._sums[Mode(row["mode"])] += row["realised"]
                self._until = until
            return dict(self._sums)


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
