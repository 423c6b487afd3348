"""From a listing handed to the executor to its order on the wire, beside one commit and one request."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import aio_pika
from aio_pika.abc import AbstractExchange

from bench.environment import create_floor_table, environment, raise_limits, trade_live
from bench.exchange.venue import Moment, Venue, open_venue
from bench.figures import Figures, Result, latency
from bench.floor.part import persistent
from bench.ground import START_SECONDS, Ground
from bench.listings import Told, fresh
from bench.sampling import Sample, interleaved
from bench.stamps import Stamps, heard
from shared.events import Listing
from shared.wire import cloudevents
from shared.wire.topology import EVENTS

LIVE: Final[Mapping[str, str]] = {"SNIPER_LIVE": "true"}
ASKING: Final[Mapping[str, str]] = {"SNIPER_EXECUTOR_OPENING_UNKNOWN": "ask"}
"""As it is unless an operator says otherwise: when a coin opened that only a ticker has shown is asked first."""


async def measure(ground: Ground) -> Result:
    """Return the times of live orders for listings that bring their price and rules along; the others are extras."""
    live, floor = await _measured(ground, LIVE, Told.ALL)
    dry_run, dry_run_floor = await _measured(ground, {}, Told.ALL)
    asking, asking_floor = await _measured(ground, {**LIVE, **ASKING}, Told.PRICE)
    looking, looking_floor = await _measured(ground, LIVE, Told.NOTHING)
    return Result(
        ours=live,
        floor=floor,
        what="listing handed to the executor → order request on the wire (live)",
        extra={
            "over_floor_p50_ms": round(live.p50_ms - 1.5 * floor.p50_ms, 3),
            "dry_run": _beside(dry_run, dry_run_floor),
            "shown_by_a_ticker": _beside(asking, asking_floor),
            "without_price_and_rules": _beside(looking, looking_floor),
        },
    )


def _beside(ours: Figures, floor: Figures) -> Mapping[str, object]:
    ratios = {"ratio_p50": round(ours.p50_ms / floor.p50_ms, 3), "ratio_p99": round(ours.p99_ms / floor.p99_ms, 3)}
    return {**ours.as_json(), "floor": floor.as_json(), **ratios}


async def _measured(ground: Ground, more: Mapping[str, str], what: Told) -> tuple[Figures, Figures]:
    """Return our figures and the floor's, each sample's way from its beginning to the venue."""
    database, broker = ground.database(), ground.broker()
    await raise_limits(database)
    await create_floor_table(database)
    if more:
        await trade_live(database)
    async with (
        open_venue() as venue,
        ground.child("bench.stamped", environment={**environment(venue, database, broker), **more}) as executor,
        heard(executor) as stamps,
        exchange_of(broker) as events,
        triggered(ground, venue, "straight", database=database) as bare,
    ):

        async def sample(number: int) -> float:
            listing = fresh(f"N{number:05d}", told=what)
            return await told(listing, events, venue, stamps)

        floor_ms, ours_ms = await interleaved(bare, sample, ground.plan, pause=partial(asyncio.sleep, 0))
    return latency(ours_ms), latency(floor_ms)


async def told(listing: Listing, events: AbstractExchange, venue: Venue, stamps: Stamps) -> float:
    """Publish *listing*; return how long after it was handed over its order arrived, in milliseconds."""
    ordered = venue.expect(listing.symbol)
    await events.publish(persistent(listing.id, cloudevents.encode(listing)), "listing.detected")
    journey = await venue.arrival(listing.symbol, Moment.now(), ordered)
    return await stamps.ms_until(listing.id, journey.ordered)


@asynccontextmanager
async def exchange_of(broker: str) -> AsyncIterator[AbstractExchange]:
    """Yield where listings are published."""
    connection = await aio_pika.connect(broker)
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        yield await channel.get_exchange(EVENTS.name, ensure=False)


@asynccontextmanager
async def triggered(ground: Ground, venue: Venue, part: str, **options: str) -> AsyncIterator[Sample[float]]:
    """Run a part of the floor that begins on a line; yield what takes a sample of it, in milliseconds."""
    connected: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _, writer: connected.set_result(writer), "127.0.0.1", 0)
    trigger: int = server.sockets[0].getsockname()[1]
    async with (
        server,
        ground.floor(part, port=venue.http_port, trigger=trigger, **options) as child,
        heard(child) as stamps,
        asyncio.timeout(START_SECONDS) as starting,
    ):
        writer = await connected
        starting.reschedule(None)
        try:
            yield partial(_bare, venue, stamps, writer)
        finally:
            writer.close()


async def _bare(venue: Venue, stamps: Stamps, writer: asyncio.StreamWriter, number: int) -> float:
    symbol = f"F{number:05d}USDT"
    ordered = venue.expect(symbol)
    writer.write(f"{symbol}\n".encode())
    journey = await venue.arrival(symbol, Moment.now(), ordered)
    return await stamps.ms_until(symbol, journey.ordered)
