import asyncio

import pytest
from aiormq.exceptions import ConnectionClosed

from shared.bus.rabbitmq.client_errors import away_is_transient, run_shielded
from shared.errors import TransientError


@pytest.mark.parametrize("error", [TimeoutError(), OSError("refused"), ConnectionClosed(320, "forced"), Exception()])
async def test_every_way_to_be_away_is_transient(error: Exception) -> None:
    with pytest.raises(TransientError), away_is_transient():
        raise error


async def test_cancellation_nobody_asked_for_is_transient() -> None:
    call: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    call.cancel()

    with pytest.raises(TransientError), away_is_transient():
        await call


async def test_cancellation_of_our_own_stays_one() -> None:
    entered = asyncio.Event()

    async def wait() -> None:
        with away_is_transient():
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await entered.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_fault_of_our_own_is_not_blamed_on_the_broker() -> None:
    with pytest.raises(KeyError), away_is_transient():
        raise KeyError


async def test_call_ends_before_the_cancellation_goes_on() -> None:
    started, go_on = asyncio.Event(), asyncio.Event()
    ended = False

    async def call() -> None:
        nonlocal ended
        started.set()
        await go_on.wait()
        ended = True

    task = asyncio.create_task(run_shielded(call(), seconds=5))
    await started.wait()
    task.cancel()
    go_on.set()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended


async def test_call_that_does_not_end_is_given_up() -> None:
    with pytest.raises(TimeoutError):
        await run_shielded(asyncio.Event().wait(), seconds=0.01)
