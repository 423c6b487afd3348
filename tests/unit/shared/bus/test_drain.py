"""The end of what is under way at a stop."""

import asyncio

import pytest
from structlog.testing import capture_logs

from shared.bus.drain import bounded_drain


async def test_what_overruns_the_time_of_a_stop_is_cut_off_and_the_stop_goes_on() -> None:
    cut_off = asyncio.Event()

    async def endless() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cut_off.set()

    with capture_logs() as logs:
        async with bounded_drain("orders") as drain, asyncio.TaskGroup() as under_way:
            under_way.create_task(endless())
            await asyncio.sleep(0)
            drain.reschedule(asyncio.get_running_loop().time())

    assert cut_off.is_set()
    assert [(each["log_level"], each["what"]) for each in logs] == [("warning", "orders")]


async def test_a_timeout_of_something_else_is_no_overrun() -> None:
    with pytest.raises(TimeoutError):
        async with bounded_drain("orders"):
            raise TimeoutError


async def test_a_cancellation_from_outside_is_no_overrun() -> None:
    async def run() -> None:
        async with bounded_drain("orders"):
            await asyncio.Event().wait()

    task = asyncio.create_task(run())
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
