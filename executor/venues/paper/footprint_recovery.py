"""The footprint after a restart: what paper orders took shortly before is read from the journal."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog

from executor.pricing import PaperFootprint
from shared.errors import TransientError, jittered, pause
from shared.events import Mode, Side
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

RECENT: Final = """
SELECT symbol, side, executed_qty, coalesce(answered_at, decided_at) AS taken_at FROM orders
WHERE mode = $1 AND executed_qty > 0
    AND coalesce(answered_at, decided_at) > $2 AND coalesce(answered_at, decided_at) <= $3
ORDER BY taken_at
"""
_WAIT_SECONDS_MAX: Final = 5.0


async def recall_footprint(
    database: Database,
    footprint: PaperFootprint,
    keep_seconds: float,
    stop: asyncio.Event,
    *,
    now: Callable[[], datetime],
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Let *footprint* remember what an earlier process took, once the database answers.

    The journal keeps no levels: the best of the next look are taken for those.
    """
    attempt, at, seconds, kept = 0, now(), clock(), timedelta(seconds=keep_seconds)
    while not stop.is_set():
        try:
            async with database.connection() as connection:
                rows = await connection.fetch(RECENT, Mode.DRY_RUN, at - kept, at)
        except TransientError as error:
            log.info("the footprint of paper orders waits for the database", reason=str(error))
            await pause(jittered(attempt, max_seconds=_WAIT_SECONDS_MAX), stop)
            attempt += 1
            continue
        for row in rows:
            side = Side.SELL if row["side"] == Side.BUY else Side.BUY
            ago_seconds = (at - row["taken_at"]).total_seconds()
            footprint.recall((row["symbol"], side), row["executed_qty"], seconds - ago_seconds)
        return
