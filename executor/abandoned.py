"""Takes up orders that were left open: their executor died, and the message that led to them expired."""

import asyncio
from typing import Final, Never

import structlog

from executor.journal import Journal
from shared import topology
from shared.bus.port import Bus
from shared.errors import TransientError
from shared.events import Mode

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 15.0
BATCH_MAX: Final = 100


async def take_up_abandoned(journal: Journal, bus: Bus, mode: Mode) -> Never:
    """Announce the listings of abandoned orders again, until cancelled.

    The handler then ends them as it ends any other, so what they had reserved is freed and their trade is told.
    """
    while True:
        try:
            for listing in await journal.abandoned(mode, BATCH_MAX):
                log.warning("order abandoned", symbol=listing.symbol, listing=listing.key)
                await bus.publish(topology.to_message(listing))
        except TransientError as error:
            log.debug("abandoned orders not looked up", reason=str(error))
        await asyncio.sleep(EVERY_SECONDS)
