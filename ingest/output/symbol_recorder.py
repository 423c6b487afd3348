"""Write-behind buffer of symbol records, off the hot path."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from typing import Final, Never

import structlog

from ingest.catalogue import SymbolRecord
from shared.errors import TransientError, jittered

log = structlog.get_logger(__name__)

Store = Callable[[Collection[SymbolRecord]], Awaitable[None]]

GATHER_SECONDS: Final = 0.2
"""Delay before a record is stored: by then its listing is bought, and the database is idle."""


class SymbolRecorder:
    """Holds the newest record of each symbol until it is stored, all of them in one batch.

    Bounded by the number of symbols, however long the database is away.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[str, SymbolRecord] = {}
        self._filled = asyncio.Event()

    def put(self, records: Iterable[SymbolRecord]) -> None:
        for record in records:
            self._waiting[record.symbol] = record
        if self._waiting:
            self._filled.set()

    async def run(self) -> Never:
        """Store records as they come, until cancelled."""
        failures = 0
        while True:
            await self._filled.wait()
            await asyncio.sleep(GATHER_SECONDS)
            try:
                await self.flush()
                failures = 0
            except TransientError as error:
                log.warning("symbols not stored yet", reason=str(error))
                await asyncio.sleep(jittered(failures))
                failures += 1

    async def flush(self) -> None:
        """Store what waits now; raise TransientError, and keep it, when the database is away."""
        self._filled.clear()
        batch, self._waiting = self._waiting, {}
        try:
            if batch:
                await self._store(batch.values())
        except BaseException:
            self._waiting = batch | self._waiting
            self._filled.set()
            raise


@asynccontextmanager
async def recording(store: Store, *, flush_seconds: float) -> AsyncIterator[SymbolRecorder]:
    """Run a recorder while the body runs, and flush it for *flush_seconds* at the end.

    What cannot be stored by then is found again at the next start, and published late.
    """
    recorder = SymbolRecorder(store)
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(recorder.run(), name="ingest-recorder")
        try:
            yield recorder
        finally:
            writing.cancel()
            await asyncio.wait([writing])
            try:
                async with asyncio.timeout(flush_seconds):
                    await recorder.flush()
            except (TransientError, TimeoutError) as error:
                log.warning("symbols not stored", reason=str(error))
