"""Batching: rows of concurrent handlers are committed together."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from shared.errors import TransientError

Row = TypeVar("Row")

Write = Callable[[Sequence[Row]], Awaitable[None]]
"""Commits all of the rows or none: TransientError to have them delivered again, PermanentError or another error when
one of them is to blame."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """A batch is written when it is full, or when its first row has waited long enough."""

    rows_max: int
    window_seconds: float


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Row]):
    row: Row
    due: float
    """Latest moment to start writing it, by the event loop's clock."""
    committed: asyncio.Future[None]

    def fail(self, error: Exception) -> None:
        if not self.committed.done():
            self.committed.set_exception(error)

    def succeed(self) -> None:
        if not self.committed.done():
            self.committed.set_result(None)


class Batcher(Generic[Row]):
    """Writes one batch at a time; meanwhile the next one is gathered.

    Bounded by the callers: each adds one row and waits until it is committed.
    """

    def __init__(self, write: Write[Row], limits: BatchLimits) -> None:
        self._write = write
        self._limits = limits
        self._waiting: deque[_Waiting[Row]] = deque()
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._closing = False

    async def add(self, row: Row) -> None:
        """Return once *row* is committed; raise the error of `Write` when it is not."""
        if self._closing:
            raise TransientError("stopping: no more rows are taken")
        loop = asyncio.get_running_loop()
        waiting = _Waiting(row, loop.time() + self._limits.window_seconds, loop.create_future())
        self._waiting.append(waiting)
        self._signal()
        await waiting.committed

    def close(self) -> None:
        """Accept no more rows, and let `run` end once the present ones are written."""
        self._closing = True
        self._signal()

    async def run(self) -> None:
        """Write batches until closed and drained."""
        while self._waiting or not self._closing:
            await self._until_due()
            await self._settle(self._take())

    def _signal(self) -> None:
        for event, is_so in (
            (self._some, bool(self._waiting)),
            (self._full, len(self._waiting) >= self._limits.rows_max),
        ):
            if is_so or self._closing:
                event.set()
            else:
                event.clear()

    async def _until_due(self) -> None:
        await self._some.wait()
        if self._waiting:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._waiting[0].due):
                    await self._full.wait()

    def _take(self) -> Sequence[_Waiting[Row]]:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), self._limits.rows_max))]
        self._signal()
        # Cancelled callers are skipped: their messages are redelivered.
        return [waiting for waiting in batch if not waiting.committed.done()]

    async def _settle(self, batch: Sequence[_Waiting[Row]]) -> None:
        if not batch:
            return
        try:
            await self._write([waiting.row for waiting in batch])
        except TransientError as error:
            for waiting in batch:
                waiting.fail(error)
        except Exception as error:  # noqa: BLE001 - any error goes to the callers
            # One row may be to blame: it must not fail the others.
            await self._isolate(batch, error)
        else:
            for waiting in batch:
                waiting.succeed()

    async def _isolate(self, batch: Sequence[_Waiting[Row]], error: Exception) -> None:
        """Write the halves of a failed batch separately, until the rows to blame stand alone."""
        if len(batch) == 1:
            batch[0].fail(error)
            return
        middle = len(batch) // 2
        await self._settle(batch[:middle])
        await self._settle(batch[middle:])


@asynccontextmanager
async def batching(name: str, write: Write[Row], limits: BatchLimits) -> AsyncIterator[Batcher[Row]]:
    """Run a batcher during the block; what it holds at its end is still written."""
    batcher = Batcher(write, limits)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(batcher.run(), name=f"batches of {name}")
        try:
            yield batcher
        finally:
            batcher.close()
