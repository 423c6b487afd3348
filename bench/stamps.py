"""When other processes began with what: they say so on their standard output, by the clock all processes share."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bench.errors import BenchmarkError
from bench.exchange.venue import Moment
from bench.ground import Child

LOST_SECONDS: Final = 10.0


class Stamps:
    """What one process has said."""

    def __init__(self) -> None:
        self._stamps: dict[str, asyncio.Future[int]] = {}

    async def ms_until(self, name: str, moment: Moment) -> float:
        """Return how long after its beginning with *name* *moment* was."""
        try:
            async with asyncio.timeout(LOST_SECONDS):
                return (moment.monotonic_ns - await self._of(name)) / 1e6
        except TimeoutError:
            raise BenchmarkError(f"nothing was said of {name}") from None

    async def hear(self, child: Child) -> None:
        """Read what *child* says until it ends."""
        assert child.stdout is not None
        async for line in child.stdout:
            name, _, began_ns = line.decode().strip().rpartition(" ")
            said = self._of(name)
            if not said.done():
                said.set_result(int(began_ns))

    def _of(self, name: str) -> asyncio.Future[int]:
        return self._stamps.setdefault(name, asyncio.get_running_loop().create_future())


@asynccontextmanager
async def heard(child: Child) -> AsyncIterator[Stamps]:
    """Listen to *child* during the block."""
    stamps = Stamps()
    hearing = asyncio.create_task(stamps.hear(child), name="stamps")
    try:
        yield stamps
    finally:
        hearing.cancel()
