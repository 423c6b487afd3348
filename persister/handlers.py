"""Handlers by kind of event, and the commits of batches that they wait for before they acknowledge."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

import structlog

from persister.metrics import Metrics
from shared.errors import TransientError
from shared.events import CLOCK_TOLERANCE, Event, Health, HealthStatus, Listing, Trade, never_after, utc_now
from shared.postgres.batch import Batcher
from shared.postgres.database import Connection, Database
from shared.postgres.error_translation import refused_is_permanent
from shared.process.heartbeat import Component
from shared.wire.topology import EventHandler, PipelineEvent

log = structlog.get_logger(__name__)

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


def records_listings(rows: Batcher[Listing], component: Component) -> EventHandler[Listing]:
    """Return a handler that refuses injected listings of the future with PermanentError.

    Other times ahead of the clock tolerance are stored as now.
    """

    async def record(listing: Listing) -> Sequence[PipelineEvent]:
        now = utc_now()
        listed_at = never_after(now + CLOCK_TOLERANCE, listing.listed_at, listing.source)
        component.saw_event(now)
        await rows.add(listing if listed_at == listing.listed_at else listing.model_copy(update={"listed_at": now}))
        log.debug("listing stored", symbol=listing.symbol)
        return ()

    return record


def records_trades(rows: Batcher[Trade], component: Component) -> EventHandler[Trade]:
    """Return a handler of trades."""

    async def record(trade: Trade) -> Sequence[PipelineEvent]:
        component.saw_event(utc_now())
        await rows.add(trade)
        log.debug("trade stored", symbol=trade.symbol, status=trade.status)
        return ()

    return record


def records_health(rows: Batcher[Health]) -> EventHandler[Health]:
    """Return a handler of heartbeats, which do not count as events of the persister."""

    async def record(report: Health) -> Sequence[PipelineEvent]:
        await rows.add(report)
        return ()

    return record
