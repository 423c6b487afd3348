"""Outbox of trades: committed with their step, and published until the broker has them."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog
from asyncpg import Record

from executor.alarms import Alarm
from shared.bus.port import Bus
from shared.errors import TransientError, each_isolated, in_a_line, jittered, pause
from shared.events import Trade
from shared.postgres.database import Database
from shared.wire import topology

log = structlog.get_logger(__name__)

# No trade goes ahead of the listing that it is of.
READ: Final = """
SELECT id, event FROM trade_outbox
WHERE set_aside_at IS NULL
    AND NOT EXISTS (SELECT FROM unannounced_listings WHERE listing_key = event ->> 'listing_key')
ORDER BY id LIMIT $1
"""
# Two executors may publish the same trade: it carries the same id, and its consumers are idempotent by it.
REMOVE: Final = "DELETE FROM trade_outbox WHERE id = ANY($1)"
# What this version cannot read, or the broker will never take, must hold up nothing that comes after it.
SET_ASIDE: Final = """
UPDATE trade_outbox SET set_aside_at = coalesce(set_aside_at, now()), set_aside_reason = $2 WHERE id = $1
"""
READ_SET_ASIDE: Final = "SELECT id, event FROM trade_outbox WHERE set_aside_at IS NOT NULL ORDER BY id LIMIT $1"
COUNT_SET_ASIDE: Final = """
SELECT count(*) AS count, min(id) AS first FROM trade_outbox WHERE set_aside_at IS NOT NULL
"""
BATCH_MAX: Final = 100
LOOK_SECONDS: Final = 1.0
"""Between looks for what another executor left behind."""
RETRY_SECONDS: Final = 60.0
"""Between retries of set-aside trades: a newer version may have written it, and one that can read it may run by now."""


class Outbox:
    def __init__(self, database: Database, bus: Bus, *, alarm: Alarm) -> None:
        self._database = database
        self._bus = bus
        self._alarm = alarm
        self._filled = asyncio.Event()
        self._retry_at = float("-inf")

    def filled(self) -> None:
        """Something was committed to it."""
        self._filled.set()

    async def relay(self, until: asyncio.Event) -> None:
        """Publish all trades, until *until* is set and none is left that the broker would take."""
        attempt = 0
        while True:
            self._filled.clear()
            is_empty = await self._emptied()
            if is_empty is None:
                if until.is_set():
                    return  # The next executor finds them.
                attempt += 1
                await asyncio.sleep(jittered(attempt, max_seconds=5.0))
                continue
            attempt = 0
            if is_empty and until.is_set() and not self._filled.is_set():
                return
            if is_empty:
                await pause(LOOK_SECONDS, self._filled)

    async def _emptied(self) -> bool | None:
        """Publish some; return whether nothing is left, and None where that could not be done."""
        try:
            await self._retry_set_aside()
            async with self._database.connection() as connection:
                rows = await connection.fetch(READ, BATCH_MAX)
            if await self._publish(rows):
                await self._show_set_aside()
            return len(rows) < BATCH_MAX
        except TransientError as error:
            log.warning("trades not published", reason=str(error))
        except Exception:
            # Whatever is wrong with trades on their way out, positions must be watched.
            log.exception("trades not published")
        return None

    async def _retry_set_aside(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._retry_at:
            return
        async with self._database.connection() as connection:
            rows = await connection.fetch(READ_SET_ASIDE, BATCH_MAX)
        await self._publish(rows)
        await self._show_set_aside()
        self._retry_at = now + RETRY_SECONDS

    async def _publish(self, rows: Sequence[Record]) -> int:
        """Publish *rows* and remove them; return how many had to be set aside."""
        published: list[int] = []
        faulty: dict[int, str] = {}

        async def publish(row: Record) -> None:
            await self._bus.publish(topology.to_message(Trade.model_validate(row["event"])))
            published.append(row["id"])

        await each_isolated(rows, publish, failed=lambda row, error: faulty.update({row["id"]: in_a_line(error)}))
        async with self._database.connection() as connection:
            if published:
                await connection.execute(REMOVE, published)
            if faulty:
                await connection.executemany(SET_ASIDE, list(faulty.items()))
        return len(faulty)

    async def _show_set_aside(self) -> None:
        async with self._database.connection() as connection:
            row = await connection.fetchrow(COUNT_SET_ASIDE)
        count, first = (0, 0) if row is None else (row["count"], row["first"])
        self._alarm("outbox", f"{count} trades cannot be published, the first has id {first}" if count else "")
