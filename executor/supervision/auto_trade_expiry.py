"""Auto-trade expiry: switch auto_trade off after its deadline. Orders obey the deadline anyway; this shows it."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from shared.control import config_store
from shared.control.config_store import Author
from shared.errors import TransientError, pause
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 0.5
DUE: Final = "SELECT true FROM trade_config WHERE auto_trade AND auto_trade_until <= $1"
AUTHOR: Final = Author("executor: auto_trade_until")


async def keep_ending(database: Database, until: asyncio.Event, *, now: Callable[[], datetime]) -> None:
    """Check every half second, until *until* is set; *now* is the exchange's time."""
    while not until.is_set():
        try:
            await end_if_due(database, now())
        except TransientError as error:
            log.debug("auto_trade was not looked at", reason=str(error))
        except Exception:
            log.exception("auto_trade was not looked at")
        await pause(EVERY_SECONDS, until)


async def end_if_due(database: Database, now: datetime) -> bool:
    """Switch auto_trade off where it has expired at *now*; return whether it has."""
    async with database.connection() as connection:
        if not await connection.fetchval(DUE, now):
            return False
    async with database.transaction() as connection:
        stands = await config_store.lock_config(connection)
        if stands is None or not stands.controls.auto_trade:
            return False
        ends = stands.controls.auto_trade_until
        if ends is None or ends > now:
            return False
        off = stands.controls.model_copy(update={"auto_trade": False, "auto_trade_until": None})
        await config_store.write(connection, stands.controls, off, AUTHOR)
    log.warning("auto_trade is over", ended_at=ends.isoformat())
    return True
