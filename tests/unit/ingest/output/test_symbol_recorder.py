"""Records reach the database in one go, the newest of each symbol, whatever the database does meanwhile."""

import asyncio
from collections.abc import Collection

from msgspec.structs import replace

from ingest.catalogue import SymbolRecord, SymbolState
from ingest.output.symbol_recorder import recording
from shared.errors import TransientError
from tests.support.data.builders import NOON
from tests.waiting import eventually

KNOWN = SymbolRecord("ABCUSDT", SymbolState.LISTED, "ABC", "USDT", NOON)
OTHER = replace(KNOWN, symbol="XYZUSDT")


class Table:
    def __init__(self, *, away: bool = False) -> None:
        self.away = away
        self.attempts = 0
        self.batches: list[tuple[SymbolRecord, ...]] = []

    async def store(self, symbols: Collection[SymbolRecord]) -> None:
        await asyncio.sleep(0)
        self.attempts += 1
        if self.away:
            raise TransientError("database away")
        self.batches.append(tuple(symbols))


async def test_what_is_put_together_is_stored_together() -> None:
    table = Table()
    async with recording(table.store, flush_seconds=1) as recorder:
        recorder.put([KNOWN])
        recorder.put([OTHER])
        await eventually(lambda: table.batches)

    assert table.batches == [(KNOWN, OTHER)]


async def test_records_wait_for_the_database_and_only_the_newest_of_each_is_stored() -> None:
    table = Table(away=True)
    newer = replace(KNOWN, state=SymbolState.TRADABLE)
    async with recording(table.store, flush_seconds=1) as recorder:
        recorder.put([KNOWN, OTHER])
        await eventually(lambda: table.attempts >= 1)
        recorder.put([newer])
        table.away = False
        await eventually(lambda: table.batches)

    assert table.batches == [(newer, OTHER)]


async def test_what_is_still_held_at_the_end_is_stored() -> None:
    table = Table()
    async with recording(table.store, flush_seconds=1) as recorder:
        recorder.put([KNOWN])

    assert table.batches == [(KNOWN,)]


async def test_end_does_not_fail_when_the_database_stays_away() -> None:
    table = Table(away=True)
    async with recording(table.store, flush_seconds=1) as recorder:
        recorder.put([KNOWN])

    assert table.batches == []
