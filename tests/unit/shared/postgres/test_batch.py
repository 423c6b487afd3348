import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import count

import pytest

from shared.errors import PermanentError, TransientError
from shared.postgres.batch import BatchLimits, batching

FOR_EVER = 3600.0


class Table:
    """Keeps what is committed; treats a batch as the test sets."""

    def __init__(self, *, poison: Sequence[int] = ()) -> None:
        self.batches: list[list[int]] = []
        self.poison = set(poison)
        self.fault: Exception | None = None
        self.open = asyncio.Event()
        self.open.set()
        self.entered = asyncio.Event()

    async def __call__(self, rows: Sequence[int]) -> None:
        self.entered.set()
        await self.open.wait()
        if self.fault is not None:
            raise self.fault
        if self.poison & set(rows):
            raise PermanentError(f"refused: {sorted(self.poison & set(rows))}")
        self.batches.append(list(rows))

    @property
    def rows(self) -> list[int]:
        return [row for batch in self.batches for row in batch]


async def test_a_full_batch_is_written_at_once() -> None:
    table = Table()
    async with batching("rows", table, BatchLimits(3, FOR_EVER)) as batcher:
        await asyncio.gather(*(batcher.add(row) for row in range(6)))

    assert table.batches == [[0, 1, 2], [3, 4, 5]]


async def test_a_single_row_is_written_when_its_window_ends() -> None:
    table, loop = Table(), asyncio.get_running_loop()
    async with batching("rows", table, BatchLimits(100, 0.02)) as batcher:
        started = loop.time()
        await batcher.add(1)

    assert table.batches == [[1]]
    assert loop.time() - started >= 0.02


async def test_later_rows_do_not_prolong_the_window_of_the_first() -> None:
    table = Table()
    async with batching("rows", table, BatchLimits(1_000_000, 0.02)) as batcher, asyncio.TaskGroup() as tasks:
        first = tasks.create_task(batcher.add(0))
        async with asyncio.timeout(5):
            for row in count(1):
                if first.done():
                    break
                tasks.create_task(batcher.add(row))
                await asyncio.sleep(0)

    assert table.batches[0][0] == 0


async def test_rows_keep_their_order() -> None:
    table = Table()
    async with batching("rows", table, BatchLimits(7, 0)) as batcher:
        await asyncio.gather(*(batcher.add(row) for row in range(100)))

    assert table.rows == list(range(100))


async def test_nobody_hears_of_a_commit_before_it_happened() -> None:
    table = Table()
    table.open.clear()
    async with batching("rows", table, BatchLimits(1, 0)) as batcher, asyncio.TaskGroup() as tasks:
        added = tasks.create_task(batcher.add(1))
        await table.entered.wait()
        assert not added.done()
        table.open.set()
        await added

    assert table.rows == [1]


async def test_the_next_batch_gathers_while_one_is_written() -> None:
    table = Table()
    table.open.clear()
    async with batching("rows", table, BatchLimits(10, 0)) as batcher, asyncio.TaskGroup() as tasks:
        tasks.create_task(batcher.add(0))
        await table.entered.wait()
        for row in range(1, 10):
            tasks.create_task(batcher.add(row))
        await asyncio.sleep(0)
        table.open.set()

    assert table.batches == [[0], list(range(1, 10))]


async def test_only_the_poisonous_rows_of_a_batch_are_refused() -> None:
    table = Table(poison=[3, 17])
    async with batching("rows", table, BatchLimits(50, FOR_EVER)) as batcher:
        outcomes = await asyncio.gather(*(batcher.add(row) for row in range(50)), return_exceptions=True)

    refused = {row: str(outcome) for row, outcome in enumerate(outcomes) if outcome}
    assert refused == {3: "refused: [3]", 17: "refused: [17]"}
    assert table.rows == [row for row in range(50) if row not in refused]


async def test_row_that_makes_the_writing_fail_for_whatever_reason_concerns_no_other() -> None:
    written: list[int] = []

    async def write(rows: Sequence[int]) -> None:
        if 7 in rows:
            raise UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed")
        written.extend(rows)

    async with batching("rows", write, BatchLimits(50, FOR_EVER)) as batcher:
        outcomes = await asyncio.gather(*(batcher.add(row) for row in range(50)), return_exceptions=True)

    assert [row for row, outcome in enumerate(outcomes) if outcome] == [7]
    assert written == [row for row in range(50) if row != 7]


async def test_everyone_hears_that_the_database_is_away() -> None:
    table = Table()
    table.fault = TransientError("away")
    async with batching("rows", table, BatchLimits(3, FOR_EVER)) as batcher:
        outcomes = await asyncio.gather(*(batcher.add(row) for row in range(3)), return_exceptions=True)

    assert [str(outcome) for outcome in outcomes] == ["away"] * 3


@pytest.mark.parametrize("fault", [TransientError("away"), RuntimeError("a fault of ours")])
async def test_writing_goes_on_after_a_failure(fault: Exception) -> None:
    table = Table()
    async with batching("rows", table, BatchLimits(1, 0)) as batcher:
        table.fault = fault
        with pytest.raises(type(fault)):
            await batcher.add(1)
        table.fault = None
        await batcher.add(2)

    assert table.rows == [2]


async def test_a_row_whose_handler_was_cancelled_is_left_out() -> None:
    table = Table()
    async with batching("rows", table, BatchLimits(3, FOR_EVER)) as batcher, asyncio.TaskGroup() as tasks:
        given_up = tasks.create_task(batcher.add(1))
        await asyncio.sleep(0)
        given_up.cancel()
        with suppress(asyncio.CancelledError):
            await given_up
        await asyncio.gather(batcher.add(2), batcher.add(3))

    assert table.rows == [2, 3]


async def test_what_waits_at_the_end_is_still_written() -> None:
    table = Table()
    async with asyncio.TaskGroup() as handlers, batching("rows", table, BatchLimits(100, FOR_EVER)) as batcher:
        for row in range(5):
            handlers.create_task(batcher.add(row))
        await asyncio.sleep(0)

    assert table.rows == [0, 1, 2, 3, 4]


async def test_no_row_is_taken_after_the_end() -> None:
    async with batching("rows", Table(), BatchLimits(1, 0)) as batcher:
        pass
    with pytest.raises(TransientError, match="stopping"):
        await batcher.add(1)
