"""Shows what is at stake, whoever put it there."""

import asyncio
from typing import Final, Never

import structlog

from executor.journal import Journal
from executor.metrics import ExecutorMetrics
from shared.errors import TransientError
from shared.events import Mode

log = structlog.get_logger(__name__)

_EVERY_SECONDS: Final = 5.0


async def watch_exposure(journal: Journal, metrics: ExecutorMetrics) -> Never:
    """Read the exposure every few seconds, until cancelled; this also keeps a connection warm between listings."""
    while True:
        for mode in Mode:
            try:
                metrics.exposed(mode, await journal.exposure(mode))
            except TransientError as error:
                log.debug("exposure not read", mode=mode, reason=str(error))
        await asyncio.sleep(_EVERY_SECONDS)
