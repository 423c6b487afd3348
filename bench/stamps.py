"""Timestamps reported by other processes on their standard output, by the shared monotonic clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bench.exchange.venue import Instant
from bench.figures import BenchmarkError
from bench.harness import Child

LOST_SECONDS: Final = 10.0


class Stamps:
    """Timestamps reported by one process."""

    def __init__(self) -> None:
        self._stamps: dict[str, asyncio.Future[int]] = {}

    async def ms_until(self, name: str, moment: Instant) -> float:
        """Return the milliseconds from the process's start on *name* to *moment*."""
        try:
            async with asyncio.timeout(LOST_SECONDS):
                return (moment.monotonic_ns - await self._of(name)) / 1e6
        except TimeoutError:
            raise BenchmarkError(f"nothing was said of {name}") from None

    async def hear(self, child: Child) -> None:
        """Read the reports of *child* until it ends."""
        async for line in child.lines:
            name, _, began_ns = line.decode().strip().rpartition(" ")
            stamp = self._of(name)
            if not stamp.done():
                stamp.set_result(int(began_ns))

    def _of(self, name: str) -> asyncio.Future[int]:
        return self._stamps.setdefault(name, asyncio.get_running_loop().create_future())


@asynccontextmanager
async def read_stamps(child: Child) -> AsyncIterator[Stamps]:
    """Read the reports of *child* during the block."""
    stamps = Stamps()
    hearing = asyncio.create_task(stamps.hear(child), name="stamps")
    try:
        yield stamps
    finally:
        hearing.cancel()
