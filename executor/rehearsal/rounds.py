"""Rounds of a rehearsal: at an interval, and none that would keep anything from an order."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Never

import structlog

from shared.errors import TransientError

log = structlog.get_logger(__name__)

READ_SECONDS: Final = 1.0
"""Between readings of what decides on the next listing; its reservation compares all of it as it commits."""
AWAY_SECONDS: Final = 1.0
"""Until the next rehearsal where the database is away."""
FAILED_SECONDS: Final = 60.0
"""The same after an error."""


async def keep_rehearsed(
    rehearse: Callable[[], Awaitable[None]], every_seconds: float, may_begin: Callable[[], bool], *, failed: str
) -> Never:
    """Rehearse whenever it *may_begin* after so many seconds, until cancelled; an error is logged as *failed*."""
    wait_seconds = every_seconds
    while True:
        await asyncio.sleep(wait_seconds)
        if not may_begin():
            continue
        try:
            await rehearse()
            wait_seconds = every_seconds
        except TransientError:
            wait_seconds = AWAY_SECONDS
        except Exception:
            log.exception(failed)
            wait_seconds = FAILED_SECONDS
