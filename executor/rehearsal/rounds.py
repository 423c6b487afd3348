"""Rounds of a rehearsal: at an interval, and none that would keep anything from an order."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Never

import structlog

from executor.exits.monitor import ExitMonitor
from executor.sending.order_sender import OrderSender
from executor.sending.purchase_decisions import PurchaseDecisions
from shared.errors import TransientError
from shared.postgres.database import Database

log = structlog.get_logger(__name__)

READ_SECONDS: Final = 1.0
"""Between readings of what decides on the next listing; its reservation compares all of it as it commits."""
AWAY_SECONDS: Final = 1.0
"""Until the next rehearsal where the database is away."""
FAILED_SECONDS: Final = 60.0
"""The same after an error."""
IDLE_MIN: Final = 2
"""A rehearsal holds one connection, and an order that comes meanwhile finds another open."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Whether a rehearsal would keep nothing from an order."""

    database: Database
    decisions: PurchaseDecisions
    exits: ExitMonitor
    sender: OrderSender

    def __call__(self) -> bool:
        """Return whether no order is under way, and a rehearsal would not hold the last connection."""
        is_busy = self.decisions.is_deciding or self.exits.is_selling or self.sender.is_sending
        return not is_busy and self.database.has_idle(IDLE_MIN)


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
