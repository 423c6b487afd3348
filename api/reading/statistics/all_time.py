"""Results since ever: what ended long ago is summed up once, and only the last weeks are read again and again."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final

from api.reading.reader import Reader
from api.reading.statistics.ended import ENDED
from shared.events import Mode

FRESH_DAYS: Final = 31
"""A result may still change for a while, as once a fee is known; what ended before is not looked at again."""
STEP_DAYS: Final = 92
"""Summed up by one statement, which has a time limit."""

OLDEST: Final = "SELECT min(closed_at) AS oldest FROM positions WHERE closed_at IS NOT NULL"
BETWEEN: Final = f"""
    SELECT mode, sum(result) AS realised FROM ({ENDED}) AS ended WHERE closed_at < $2 GROUP BY mode
"""  # noqa: S608 - constants


class AllTime:
    """What was realised in each mode before a day, to the last digit; kept for as long as the process lasts."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._turn = asyncio.Lock()
        self._until: date | None = None
        self._sums: dict[Mode, Decimal] = {}

    async def before(self, day: date) -> Mapping[Mode, Decimal]:
        """Return what was realised before *day* began (UTC); raises TransientError, and goes on next time."""
        async with self._turn:
            if self._until is None or self._until > day:
                self._sums, self._until = dict.fromkeys(Mode, Decimal(0)), await self._oldest(day)
            while self._until < day:
                until = min(day, self._until + timedelta(days=STEP_DAYS))
                for row in await self._reader.fetch(BETWEEN, _begin(self._until), _begin(until)):
                    self._sums[Mode(row["mode"])] += row["realised"]
                self._until = until
            return dict(self._sums)

    async def _oldest(self, day: date) -> date:
        """Return the day of the first result, or *day* where that was later."""
        row = await self._reader.fetchrow(OLDEST)
        oldest: datetime | None = None if row is None else row["oldest"]
        return day if oldest is None else min(day, oldest.astimezone(UTC).date())


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
