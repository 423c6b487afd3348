"""How many sightings a second dedup gets through, from one queue into others."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final

from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from bench.backlog import declared, empty, fill, sightings
from bench.errors import BenchmarkError
from bench.figures import Result, Step, steps_between, throughput
from bench.ground import Ground
from shared.topology import DEDUP_RAW, EVENTS, EXECUTOR_LISTINGS, PERSISTER_LISTINGS

LISTINGS: Final = 2_000
"""In one round; each is seen twice."""
ROUNDS: Final = 2
EVERY: Final = 50
"""Listings between two readings of the clock: as many as two sightings each make a full prefetch."""
ROUND_SECONDS_MAX: Final = 60.0

Worker = Callable[[], AbstractAsyncContextManager[object]]


async def measure(ground: Ground) -> Result:
    """Return the rates at which waiting sightings become listings, and the time for a hundred of them."""
    database, broker = ground.database(), ground.broker()
    variables = {"SNIPER_DATABASE_URL": database, "SNIPER_BROKER_URL": broker}
    bare: list[Step] = []
    ours: list[Step] = []
    async with declared(broker) as channel:
        for number in range(ROUNDS):
            first = number * LISTINGS
            bare.extend(await _round(channel, lambda: ground.floor("relay", broker=broker), first))
            ours.extend(await _round(channel, lambda: ground.services("dedup", environment=variables), first))
    return Result(
        ours=throughput(ours),
        floor=throughput(bare),
        what=f"{EVERY * 2} sightings handled",
        extra={"sightings": LISTINGS * 2 * ROUNDS},
    )


async def _round(channel: AbstractChannel, worker: Worker, first: int) -> Sequence[Step]:
    """Let *worker* empty the queue; return the steps in which its listings came out."""
    waiting = (sighting for number in range(first, first + LISTINGS) for sighting in sightings(number))
    await fill(channel, DEDUP_RAW, waiting)
    async with _tap(channel) as outlet, worker():
        moments = await outlet
    await empty(channel, EXECUTOR_LISTINGS, PERSISTER_LISTINGS)
    readings = moments[::EVERY]
    return steps_between(readings, [EVERY * 2] * len(readings))


@asynccontextmanager
async def _tap(channel: AbstractChannel) -> AsyncIterator[asyncio.Future[list[float]]]:
    """Take a copy of each listing published; yield what will be the moments they came."""
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(EVENTS.name, "listing.detected")
    moments: list[float] = []
    complete: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()

    async def on_listing(_: AbstractIncomingMessage) -> None:
        moments.append(time.perf_counter())
        if len(moments) == LISTINGS:
            complete.set_result(moments)

    tag = await queue.consume(on_listing, no_ack=True)
    try:
        async with asyncio.timeout(ROUND_SECONDS_MAX):
            yield complete
    except TimeoutError:
        message = f"{len(moments)} of {LISTINGS} listings came out within {ROUND_SECONDS_MAX:.0f} s"
        raise BenchmarkError(message) from None
    finally:
        await queue.cancel(tag)
        await queue.delete(if_unused=False, if_empty=False)
