"""Stretches for which the event loop is held."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

LOOK_SECONDS: Final = 0.001


class Turns:
    """Looks every millisecond at the processor time that went by: no more than that, and one turn of the loop.

    Processor time of this thread, because a busy machine makes everything late and no turn longer.
    """

    def __init__(self) -> None:
        self.longest_seconds = 0.0

    async def watch(self) -> None:
        while True:
            before = time.thread_time()
            await asyncio.sleep(LOOK_SECONDS)
            self.longest_seconds = max(self.longest_seconds, time.thread_time() - before - LOOK_SECONDS)


@asynccontextmanager
async def watching_turns() -> AsyncIterator[Turns]:
    """Watch while the block runs, in a process whose imports are frozen as `shared.process.lifecycle` does it."""
    turns = Turns()
    gc.collect()
    gc.freeze()
    watching = asyncio.create_task(turns.watch())
    try:
        yield turns
    finally:
        watching.cancel()
        gc.unfreeze()
