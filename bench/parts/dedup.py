"""Throughput of dedup in sightings per second, from queue to queues."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from aio_pika.abc import AbstractChannel

from bench.backlog import arrivals, empty, fill, open_channel_with_queues, sightings
from bench.figures import Result, Step, steps_between, throughput
from bench.harness import Harness
from shared.wire.topology import DEDUP_RAW, EXECUTOR_LISTINGS, PERSISTER_LISTINGS

LISTINGS: Final = 2_000
"""Maximum per round; each is seen twice."""
LISTINGS_PER_SAMPLE: Final = 200
EVERY: Final = 50
"""Listings between two readings of the clock; with two sightings each they make a full prefetch."""
ROUND_SECONDS_MAX: Final = 60.0

Worker = Callable[[], AbstractAsyncContextManager[object]]


async def measure(harness: Harness) -> Result:
    """Return the rates at which queued sightings become listings, and the time for a hundred of them."""
    database, broker = harness.database(), harness.broker()
    variables = {"SNIPER_DATABASE_URL": database, "SNIPER_BROKER_URL": broker}
    count = min(LISTINGS, LISTINGS_PER_SAMPLE * harness.plan.samples)
    bare: list[Step] = []
    ours: list[Step] = []
    async with open_channel_with_queues(broker) as channel:
        for number in range(harness.plan.rounds):
            numbers = range(number * count, (number + 1) * count)
            bare.extend(await _round(channel, lambda: harness.floor("relay", broker=broker), numbers))
            ours.extend(await _round(channel, lambda: harness.services("dedup", environment=variables), numbers))
    return Result(
        ours=throughput(ours),
        floor=throughput(bare),
        what=f"{EVERY * 2} sightings handled",
        extra={"sightings": count * 2 * harness.plan.rounds},
    )


async def _round(channel: AbstractChannel, worker: Worker, numbers: range) -> Sequence[Step]:
    """Let *worker* empty the queue; return the steps of its published listings."""
    waiting = (sighting for number in numbers for sighting in sightings(number))
    await fill(channel, DEDUP_RAW, waiting)
    async with arrivals(channel, len(numbers), within_seconds=ROUND_SECONDS_MAX) as complete, worker():
        moments = await complete
    await empty(channel, EXECUTOR_LISTINGS, PERSISTER_LISTINGS)
    readings = moments[::EVERY]
    return steps_between(readings, [EVERY * 2] * len(readings))
