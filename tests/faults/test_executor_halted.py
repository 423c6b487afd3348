"""Halts in the middle of a burst, and bursts that halt: rows 40, 53 and 54."""

import asyncio
import random
import signal
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest
import pytest_asyncio

from api.operator import trade_config
from shared.wire.topology import to_message
from tests.faults.executors import ExecutorProcess
from tests.faults.ground import Ground
from tests.support.running.pipelines import publish_all
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

ROUNDS = 3
BURST = 34
"""Listings in each."""
ANSWER_SECONDS = 0.4
"""Orders come faster than the exchange answers, so that many wait for their turn when the halt comes."""
HALT_SECONDS_MAX = 0.1
GRACE_SECONDS = 0.15
"""What a busy machine may add until the simulator has taken the time of a request."""

Halting = Callable[[Ground, ExecutorProcess], Awaitable[None]]


async def by_an_operator(ground: Ground, _: ExecutorProcess) -> None:
    await trade_config.halt(ground.runtime.database, "drill", changed_by="test")


async def by_a_file(ground: Ground, _: ExecutorProcess) -> None:
    (ground.orders.data_dir / "halt").touch()


async def by_a_signal(_: Ground, executor: ExecutorProcess) -> None:
    executor.signal(signal.SIGUSR1)


WAYS: Mapping[str, Halting] = {"an operator": by_an_operator, "a file": by_a_file, "a signal": by_a_signal}


async def resume(ground: Ground) -> None:
    (ground.orders.data_dir / "halt").unlink(missing_ok=True)
    await trade_config.resume(ground.runtime.database, changed_by="test")


@pytest_asyncio.fixture(autouse=True, loop_scope="module")
async def resumed(ground: Ground) -> AsyncIterator[None]:
    yield
    await resume(ground)


@pytest.mark.parametrize("way", WAYS)
async def test_no_request_begins_after_a_halt_in_the_middle_of_a_hundred_listings(ground: Ground, way: str) -> None:
    late_seconds: list[float] = []
    async with ground.executor(orders_per_second=100) as executor:
        for number in range(ROUNDS):
            await resume(ground)
            await eventually(lambda: _buys(ground))
            sent = random.Random(f"{way} {number}").randint(3, 9)
            late_seconds.append(await _halted_after(sent, ground, executor, way))

    # One of them may meet a moment in which the machine does something else.
    assert statistics.median(late_seconds) < HALT_SECONDS_MAX + GRACE_SECONDS

    async with ground.executor():
        after = await ground.lists()
        await ground.publish(after)
        order = await ground.becomes(after, "rejected")
        await ground.settled()
    assert order["error_reason"].startswith("halted: ")


async def _buys(ground: Ground) -> bool:
    """Try a listing, which is refused for as long as the executor has not heard that it may buy again."""
    listing = await ground.lists()
    await ground.publish(listing)
    return bool((await ground.becomes(listing, "filled", "rejected"))["state"] == "filled")


async def _halted_after(sent: int, ground: Ground, executor: ExecutorProcess, way: str) -> float:
    """Halt once *sent* of many listings were ordered; return for how long requests still arrived, in seconds."""
    listings = [await ground.lists() for _ in range(BURST)]
    names = {each.symbol for each in listings}
    await ground.simulator.arm("latency", seconds=ANSWER_SECONDS, count=None)
    await publish_all(ground.runtime.bus, (to_message(each) for each in listings))
    await eventually(lambda: _sent(ground, names, sent), within_seconds=30)
    await WAYS[way](ground, executor)
    halted_ns = time.time_ns()
    await asyncio.gather(*(ground.becomes(each, "filled", "rejected") for each in listings))
    await ground.simulator.disarm("latency")
    await ground.settled()
    received = [int(each["received_at_ns"]) for each in await ground.simulator.orders() if each["symbol"] in names]

    assert len(received) < BURST / 2
    return max(0.0, (max(received) - halted_ns) / 1e9)


async def _sent(ground: Ground, names: set[str], count: int) -> bool:
    return sum(each["symbol"] in names for each in await ground.simulator.orders()) >= count


async def test_more_listings_in_a_minute_than_can_be_true_halt_and_only_those_before_are_bought(ground: Ground) -> None:
    async with ground.executor(listings_per_minute_max=5):
        listings = [await ground.lists() for _ in range(50)]
        await publish_all(ground.runtime.bus, (to_message(each) for each in listings))
        orders = await asyncio.gather(*(ground.becomes(each, "filled", "rejected") for each in listings))
        await ground.settled()
        await eventually(lambda: _halted_by(ground, "mass_listing"), within_seconds=20)

    assert sum(order["state"] == "filled" for order in orders) <= 5
    # Each was decided on, and published.
    assert len({trade.listing_key for each in listings for trade in ground.told(each)}) == 50


async def _halted_by(ground: Ground, cause: str) -> bool:
    latest = await ground.rows("SELECT cause FROM halts ORDER BY id DESC LIMIT 1")
    return [each["cause"] for each in latest] == [cause]


async def test_a_symbol_that_is_paused_and_resumed_a_hundred_times_is_one_listing_and_one_order(ground: Ground) -> None:
    await ground.staffed()
    listing = await ground.lists()
    for _ in range(50):
        await ground.simulator.change_coin(listing.symbol, status="suspended")
        await ground.publish(listing)
        await ground.simulator.change_coin(listing.symbol, status="trading")
        await ground.publish(listing)
    await ground.becomes(listing, "filled", "armed")
    await ground.settled()

    assert len(await ground.placed(listing)) <= 1
    assert len(await ground.rows("SELECT id FROM orders WHERE listing_key = $1", listing.key)) == 1
