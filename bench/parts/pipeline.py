"""Frame to order through RabbitMQ and PostgreSQL, each service in a process of its own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import aio_pika

from bench.environment import create_floor_table, environment, raise_limits
from bench.exchange.venue import Instant, Journey, Venue, open_venue
from bench.figures import Result, latency
from bench.floor.messaging import persistent
from bench.floor.path import FIRST_QUEUE, SECOND_QUEUE
from bench.harness import Harness, wait_until_ready
from bench.sampling import Sample, interleaved
from bench.stages import StageTimes, medians_ms, received_to_ordered_ms, stage_times
from shared.bus.amqp_arguments import queue_arguments
from shared.wire.topology import DEAD, DEDUP_RAW, EXECUTOR_LISTINGS

BEHIND_INGEST: Final = ("dedup", "executor", "persister")
SERVICES: Final = (*BEHIND_INGEST, "ingest")
"""Includes the persister, as in production: no order waits for it, but it uses resources."""
BODY: Final = b"x" * 1_000
"""About the size of our events."""


async def measure(harness: Harness) -> Result:
    """Return the times from a frame's arrival in ingest (the floor: a message's sending) to its order at the venue."""
    database, broker = harness.database(), harness.broker()
    await raise_limits(database)
    await create_floor_table(database)
    async with (
        open_venue() as venue,
        harness.services(*BEHIND_INGEST, environment=environment(venue, database, broker)),
        harness.service("run", "ingest", environment=environment(venue, database, broker), stamped=True) as ingest,
        floor_running(harness, venue, database, broker) as trigger,
    ):
        await wait_until_ready(ingest)
        bare, ours = await interleaved(trigger, partial(listing_sample, venue), harness.plan, venue.list_newcomers)
        journeys = await stage_times(database, ours, ingest.log)
    return result_of(ours, bare, journeys)


def result_of(ours: Sequence[Journey], bare: Sequence[Journey], journeys: Sequence[StageTimes]) -> Result:
    return Result(
        ours=latency(received_to_ordered_ms(journeys)),
        floor=latency([journey.ms for journey in bare]),
        what="websocket frame received → order request on the wire",
        extra={
            "from_frame_sent": latency([journey.ms for journey in ours]).as_json(),
            "stages_p50_ms": medians_ms(journeys),
            "beside": "persister",
        },
    )


async def listing_sample(venue: Venue, number: int, *, offset: int = 0) -> Journey:
    """Take a sample: a frame with a new coin, named after *number* from *offset* on."""
    return await venue.show(f"N{offset + number:05d}USDT")


@asynccontextmanager
async def floor_running(harness: Harness, venue: Venue, database: str, broker: str) -> AsyncIterator[Sample[Journey]]:
    """Run the floor's two consumers; yield its sampling function."""
    connection = await aio_pika.connect(broker)
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        for name, like in ((FIRST_QUEUE, DEDUP_RAW), (SECOND_QUEUE, EXECUTOR_LISTINGS)):
            await channel.declare_queue(name, durable=True, arguments=dict(queue_arguments(like, DEAD)))

        async def sample(number: int) -> Journey:
            symbol = f"F{number:05d}USDT"
            ordered = venue.expect(symbol)
            started = Instant.now()
            await channel.default_exchange.publish(persistent(symbol, BODY), FIRST_QUEUE)
            return await venue.arrival(symbol, started, ordered)

        async with (
            harness.floor("forward", broker=broker, database=database),
            harness.floor("order", broker=broker, database=database, port=venue.http_port),
        ):
            yield sample
