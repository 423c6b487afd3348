"""Trades on their way to the broker: committed with what they tell, and published until it has them."""

import asyncio
from typing import Final

import structlog

from shared import topology
from shared.backoff import jittered
from shared.bus.port import Bus
from shared.database import Database
from shared.errors import TransientError
from shared.events import Trade

log = structlog.get_logger(__name__)

READ: Final = "SELECT id, event FROM trade_outbox ORDER BY id LIMIT $1"
# Two executors may publish the same trade: it carries the same id, and its consumers are idempotent by it.
REMOVE: Final = "DELETE FROM trade_outbox WHERE id = ANY($1)"
BATCH_MAX: Final = 100
LOOK_SECONDS: Final = 1.0
"""Between looks for what another executor left behind."""


class Outbox:
    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._filled = asyncio.Event()

    def filled(self) -> None:
        """Something was committed to it."""
        self._filled.set()

    async def relay(self, until: asyncio.Event) -> None:
        """Publish what is there and what comes, until *until* is set and nothing is left that the broker would take."""
        attempt = 0
        while True:
            self._filled.clear()
            try:
                is_empty = await self._publish_some() < BATCH_MAX
            except TransientError as error:
                log.warning("trades not published", reason=str(error))
                if until.is_set():
                    return  # The next executor finds them.
                attempt += 1
                await asyncio.sleep(jittered(attempt, max_seconds=5.0))
                continue
            attempt = 0
            if is_empty and until.is_set() and not self._filled.is_set():
                return
            if is_empty:
                await self._until_filled()

    async def _publish_some(self) -> int:
        async with self._database.connection() as connection:
            rows = await connection.fetch(READ, BATCH_MAX)
        for row in rows:
            await self._bus.publish(topology.to_message(Trade.model_validate(row["event"])))
        if rows:
            async with self._database.connection() as connection:
                await connection.execute(REMOVE, [row["id"] for row in rows])
        return len(rows)

    async def _until_filled(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._filled.wait()
        except TimeoutError:
            return
