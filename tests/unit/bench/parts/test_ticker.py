"""Time for which a frame holds the event loop, turn by turn."""

import asyncio
import time

import pytest

from bench.figures import BenchmarkError
from bench.parts.ticker import turns_of


def spin(milliseconds: float) -> None:
    until = time.thread_time() + milliseconds / 1000
    while time.thread_time() < until:
        pass


async def test_each_turn_is_timed_apart() -> None:
    async def work(*turns: float) -> None:
        for turn in turns:
            spin(turn)
            await asyncio.sleep(0)

    turns = turns_of(work(1, 5, 1))

    assert len(turns) == 4
    assert max(turns) == turns[1] >= 5


async def test_work_that_waits_is_not_measured() -> None:
    async def work() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(BenchmarkError, match="waits for something"):
        turns_of(work())
