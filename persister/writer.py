"""Commits of one table's batches, within a time limit, with metrics and health."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

from persister.metrics import Metrics
from shared.errors import TransientError
from shared.events import Event, HealthStatus, utc_now
from shared.postgres.database import Connection, Database
from shared.postgres.error_translation import refused_is_permanent
from shared.process.health import Component

Row = TypeVar("Row", bound=Event)

Insert = Callable[[Connection, Sequence[Row]], Awaitable[int]]
"""Writes all rows in one statement; returns the number of changes."""

WRITE_SECONDS_MAX: Final = 10.0


class Writer(Generic[Row]):
    """The `Write` of one table's batches."""

    def __init__(
        self, table: str, insert: Insert[Row], database: Database, metrics: Metrics, component: Component
    ) -> None:
        self._insert = insert
        self._database = database
        self._component = component
        self._rows = metrics.rows.labels(table)
        self._duplicates = metrics.duplicates.labels(table)
        self._batch_rows = metrics.batch_rows.labels(table)
        self._lag_seconds = metrics.lag_seconds.labels(table)
        self._flush_seconds = metrics.flush_seconds.labels(table)
        self._away = metrics.database_away.labels(table)

    async def __call__(self, rows: Sequence[Row]) -> None:
        """Raise TransientError when it is not certain that *rows* are committed, PermanentError when they cannot be."""
        started = time.perf_counter()
        try:
            news = await self._commit(rows)
        except TransientError:
            self._tell_away(away=True)
            raise
        self._tell_away(away=False)
        self._flush_seconds.observe(time.perf_counter() - started)
        self._batch_rows.observe(len(rows))
        now = utc_now()
        for row in rows:
            self._lag_seconds.observe(max(0.0, (now - row.time).total_seconds()))
        self._rows.inc(news)
        self._duplicates.inc(len(rows) - news)

    async def _commit(self, rows: Sequence[Row]) -> int:
        try:
            with refused_is_permanent():
                async with asyncio.timeout(WRITE_SECONDS_MAX), self._database.connection() as connection:
                    return await self._insert(connection, rows)
        except TimeoutError:
            raise TransientError(f"database away: no answer in {WRITE_SECONDS_MAX:.0f} s") from None

    def _tell_away(self, *, away: bool) -> None:
        self._away.set(away)
        if away:
            self._component.set(HealthStatus.DEGRADED, "database away")
        else:
            self._component.set(HealthStatus.RUNNING)
