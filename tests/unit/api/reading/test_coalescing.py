import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import pytest

from api.reading.coalescing import CoalescedReads
from tests.waiting import eventually


class Reads:
    """Numbered reads that end on demand."""

    def __init__(self) -> None:
        self.begun: list[asyncio.Future[None]] = []

    async def __call__(self) -> int:
        number = len(self.begun)
        self.begun.append(asyncio.get_running_loop().create_future())
        await self.begun[number]
        return number

    def have_begun(self, count: int) -> bool:
        return len(self.begun) >= count

    def end(self, number: int, error: Exception | None = None) -> None:
        if error is None:
            self.begun[number].set_result(None)
        else:
            self.begun[number].set_exception(error)


def asking(coalesced: CoalescedReads[int], reads: Callable[[], Awaitable[int]], key: str = "k") -> asyncio.Task[int]:
    return asyncio.create_task(coalesced.get(key, reads))


async def test_who_comes_while_a_read_is_under_way_shares_the_next_one() -> None:
    coalesced, reads = CoalescedReads[int](), Reads()
    first = asking(coalesced, reads)
    await eventually(lambda: reads.begun)
    later = [asking(coalesced, reads) for _ in range(5)]
    await asyncio.sleep(0)
    assert len(reads.begun) == 1

    reads.end(0)
    assert await first == 0
    await eventually(lambda: len(reads.begun) == 2)
    reads.end(1)

    assert await asyncio.gather(*later) == [1] * 5


async def test_each_thing_is_read_for_itself() -> None:
    coalesced, reads = CoalescedReads[int](), Reads()
    one, two = asking(coalesced, reads, "one"), asking(coalesced, reads, "two")
    await eventually(lambda: len(reads.begun) == 2)
    reads.end(0)
    reads.end(1)

    assert list(await asyncio.gather(one, two)) == [0, 1]


async def test_a_failure_is_for_those_who_asked_and_not_for_the_next() -> None:
    coalesced, reads = CoalescedReads[int](), Reads()
    first = asking(coalesced, reads)
    await eventually(lambda: reads.begun)
    second = asking(coalesced, reads)
    await asyncio.sleep(0)
    reads.end(0, KeyError("away"))

    with pytest.raises(KeyError):
        await first
    await eventually(lambda: len(reads.begun) == 2)
    reads.end(1)
    assert await second == 1


async def test_a_request_that_is_given_up_ends_nobody_elses_read() -> None:
    coalesced, reads = CoalescedReads[int](), Reads()
    first = asking(coalesced, reads)
    await eventually(lambda: reads.begun)
    impatient, patient = asking(coalesced, reads), asking(coalesced, reads)
    await asyncio.sleep(0)
    impatient.cancel()
    first.cancel()
    reads.end(0)
    await eventually(lambda: len(reads.begun) == 2)
    reads.end(1)

    assert await patient == 1


async def test_nothing_is_kept_once_nobody_asks() -> None:
    coalesced, reads = CoalescedReads[int](), Reads()
    for number in range(3):
        task = asking(coalesced, reads)
        await eventually(partial(reads.have_begun, number + 1))
        reads.end(number)
        assert await task == number

    await eventually(lambda: not coalesced._under_way and not coalesced._tasks)
