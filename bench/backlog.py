"""Events queued before a consumer starts, and the rows they become."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage
from pydantic import SecretStr

from bench.figures import BenchmarkError
from bench.floor.messaging import persistent
from persister.repository import listing_row
from shared.bus import rabbitmq
from shared.bus.port import Queue
from shared.events import Listing, RawListing, Source
from shared.settings import BrokerSettings
from shared.wire import cloudevents, topology
from tests.waiting import eventually

NOON: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PIPELINED: Final = 500
"""Concurrent publishes."""


def sightings(number: int) -> list[RawListing]:
    """Return the sightings of one listing by both sources."""
    return [
        RawListing.model_validate(_described(number) | {"id": f"{source}:{number}", "source": source})
        for source in (Source.MEXC_WEBSOCKET, Source.MEXC_REST_API)
    ]


def listing(number: int) -> Listing:
    described = _described(number)
    key = f"{described['symbol']}:1"
    return Listing.model_validate(
        described | {"id": f"{key}:detected", "key": key, "source": Source.MEXC_WEBSOCKET, "deduplicated_at": NOON}
    )


def columns(numbers: Iterable[int]) -> Sequence[Sequence[object]]:
    """Return the arguments of `INSERT_LISTINGS` for these listings."""
    return list(zip(*(listing_row(listing(number)) for number in numbers), strict=True))


def _described(number: int) -> dict[str, object]:
    base = f"B{number:07d}"
    times = dict.fromkeys(("listed_at", "observed_at", "published_at"), NOON + timedelta(seconds=number))
    return {"symbol": f"{base}USDT", "base_asset": base, "quote_asset": "USDT", **times}


@asynccontextmanager
async def open_channel_with_queues(broker: str) -> AsyncIterator[AbstractChannel]:
    """Declare our queues; yield a channel with publisher confirms."""
    async with rabbitmq.connect(BrokerSettings(url=SecretStr(broker)), topology.SNIPER, name="bench") as bus:
        await eventually(bus.is_connected, within_seconds=15)
    connection = await aio_pika.connect(broker)
    async with connection:
        yield await connection.channel(publisher_confirms=True)


async def fill(channel: AbstractChannel, queue: Queue, waiting: Iterable[RawListing | Listing]) -> None:
    """Publish events to *queue* alone."""
    rest = iter(waiting)
    while some := list(islice(rest, PIPELINED)):
        messages = [persistent(event.id, cloudevents.encode(event)) for event in some]
        await asyncio.gather(*(channel.default_exchange.publish(each, queue.name) for each in messages))


async def empty(channel: AbstractChannel, *queues: Queue) -> None:
    for queue in queues:
        held = await channel.get_queue(queue.name, ensure=False)
        await held.purge()


@asynccontextmanager
async def arrivals(
    channel: AbstractChannel, count: int, *, within_seconds: float
) -> AsyncIterator[asyncio.Future[list[float]]]:
    """Consume a copy of each published listing; yield a future of the arrival times of *count*."""
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(topology.EVENTS.name, "listing.detected")
    moments: list[float] = []
    complete: asyncio.Future[list[float]] = asyncio.get_running_loop().create_future()

    async def on_listing(_: AbstractIncomingMessage) -> None:
        moments.append(time.perf_counter())
        if len(moments) == count:
            complete.set_result(moments)

    tag = await queue.consume(on_listing, no_ack=True)
    try:
        async with asyncio.timeout(within_seconds):
            yield complete
    except TimeoutError:
        message = f"{len(moments)} of {count} listings came out within {within_seconds:.0f} s"
        raise BenchmarkError(message) from None
    finally:
        await queue.cancel(tag)
        await queue.delete(if_unused=False, if_empty=False)
