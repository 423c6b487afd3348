"""Throughput of dedup in sightings per second, from queue to queues."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from bench.backlog import empty, fill, open_channel_with_queues, sightings
from bench.errors import BenchmarkError
from bench.figures import Result, Step, steps_between, throughput
from bench.testbed import Testbed
from shared.wire.topology import DEDUP_RAW, EVENTS, EXECUTOR_LISTINGS, PERSISTER_LISTINGS

LISTINGS: Final = 2_000
"""Maximum per round; each is seen twice."""
LISTINGS_PER_SAMPLE: Final = 200
EVERY: Final = 50
"""Listings between two readings of the clock; with two sightings each they make a full prefetch."""
ROUND_SECONDS_MAX: Final = 60.0

Worker = Callable[[], AbstractAsyncContextManager[object]]


async def measure(testbed: Testbed) -> Result:
    """Return the rates at which queued sightings become listings, and the time for a hundred of them."""
    database, broker = testbed.database(), testbed.broker()
    variables = {"SNIPER_DATABASE_URL": database, "SNIPER_BROKER_URL": broker}
    count = min(LISTINGS, LISTINGS_PER_SAMPLE * testbed.plan.samples)
    bare: list[Step] = []
    ours: list[Step] = []
    async with open_channel_with_queues(broker) as channel:
        for number in range(testbed.plan.rounds):
            numbers = range(number * count, (number + 1) * count)
            bare.extend(await _round(channel, lambda: testbed.floor("relay", broker=broker), numbers))
            ours.extend(await _round(channel, lambda: testbed.services("dedup", environment=variables), numbers))
    return Result(
        ours=throughput(ours),
        floor=throughput(bare),
        what=f"{EVERY * 2} sightings handled",
        extra={"sightings": count * 2 * testbed.plan.rounds},
    )


async def _round(channel: AbstractChannel, worker: Worker, numbers: range) -> Sequence[Step]:
    """Let *worker* empty the queue; return the steps of its published listings."""
    waiting = (sighting for number in numbers for sighting in sightings(number))
    await fill(channel, DEDUP_RAW, waiting)
    async with _tap(channel, len(numbers)) as outlet, worker():
        moments = await outlet
    await empty(channel, EXECUTOR_LISTINGS, PERSISTER_LISTINGS)
    readings = moments[::EVERY]
    return steps_between(readings, [EVERY * 2] * len(readings))


@asynccontextmanager
async def _tap(channel: AbstractChannel, count: int) -> AsyncIterator[asyncio.Future[list[float]]]:
    """Consume a copy of each published listing; yield a future of their arrival times."""
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(EVENTS.name, "listing.detected")
    moments: list[float] = []
    complete: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()

    async def on_listing(_: AbstractIncomingMessage) -> None:
        moments.append(time.perf_counter())
        if len(moments) == count:
            complete.set_result(moments)

    tag = await queue.consume(on_listing, no_ack=True)
    try:
        async with asyncio.timeout(ROUND_SECONDS_MAX):
            yield complete
    except TimeoutError:
        message = f"{len(moments)} of {count} listings came out within {ROUND_SECONDS_MAX:.0f} s"
        raise BenchmarkError(message) from None
    finally:
        await queue.cancel(tag)
        await queue.delete(if_unused=False, if_empty=False)
