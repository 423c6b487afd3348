"""From a listing delivered to the executor to its order on the wire, beside one commit and one request."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Final

import aio_pika
from aio_pika.abc import AbstractExchange

from bench.environment import create_floor_table, environment, raise_limits, trade_live
from bench.exchange.venue import Instant, Venue, open_venue
from bench.figures import Figures, Result, latency
from bench.floor.messaging import persistent
from bench.harness import START_SECONDS, Harness
from bench.listings import ListingDetails, new_listing
from bench.sampling import Sample, interleaved
from bench.stamps import Stamps, read_stamps
from shared.events import Listing
from shared.wire import cloudevents
from shared.wire.topology import EVENTS

MODULE: Final = "bench.stamping.executor"
LIVE: Final[Mapping[str, str]] = {"SNIPER_LIVE": "true"}
ASKING: Final[Mapping[str, str]] = {"SNIPER_EXECUTOR_OPENING_UNKNOWN": "ask"}
"""The default: for a coin shown by a ticker alone, the executor first asks for its opening."""


async def measure(harness: Harness) -> Result:
    """Return the times of live orders for listings with price and rules; other variants are extras."""
    live, floor = await _order_delays(harness, LIVE, ListingDetails.ALL)
    briefly = replace(harness, plan=harness.plan.quarter)
    dry_run, dry_run_floor = await _order_delays(briefly, {}, ListingDetails.ALL)
    asking, asking_floor = await _order_delays(briefly, {**LIVE, **ASKING}, ListingDetails.PRICE)
    looking, looking_floor = await _order_delays(briefly, LIVE, ListingDetails.NOTHING)
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


async def _order_delays(harness: Harness, more: Mapping[str, str], what: ListingDetails) -> tuple[Figures, Figures]:
    """Return our figures and the floor's, from each sample's start to the order's arrival at the venue."""
    database, broker = harness.database(), harness.broker()
    await raise_limits(database)
    await create_floor_table(database)
    if more:
        await trade_live(database)
    async with (
        open_venue() as venue,
        harness.child(MODULE, environment=environment(venue, database, broker) | dict(more)) as executor,
        read_stamps(executor) as stamps,
        exchange_of(broker) as events,
        triggered(harness, venue, "straight", database=database) as bare,
    ):

        async def sample(number: int) -> float:
            listing = new_listing(f"N{number:05d}", details=what)
            return await order_delay_ms(listing, events, venue, stamps)

        floor_ms, ours_ms = await interleaved(bare, sample, harness.plan, pause=partial(asyncio.sleep, 0))
    return latency(ours_ms), latency(floor_ms)


async def order_delay_ms(listing: Listing, events: AbstractExchange, venue: Venue, stamps: Stamps) -> float:
    """Publish *listing*; return the milliseconds from its delivery to the arrival of its order."""
    ordered = venue.expect(listing.symbol)
    await events.publish(persistent(listing.id, cloudevents.encode(listing)), "listing.detected")
    journey = await venue.arrival(listing.symbol, Instant.now(), ordered)
    return await stamps.ms_until(listing.id, journey.ordered)


async def floor_delay_ms(venue: Venue, stamps: Stamps, writer: asyncio.StreamWriter, number: int) -> float:
    """Trigger the floor by a line; return the milliseconds until the arrival of its order."""
    symbol = f"F{number:05d}USDT"
    ordered = venue.expect(symbol)
    writer.write(f"{symbol}\n".encode())
    journey = await venue.arrival(symbol, Instant.now(), ordered)
    return await stamps.ms_until(symbol, journey.ordered)


@asynccontextmanager
async def exchange_of(broker: str) -> AsyncIterator[AbstractExchange]:
    """Yield the exchange for listings."""
    connection = await aio_pika.connect(broker)
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        yield await channel.get_exchange(EVENTS.name, ensure=False)


@asynccontextmanager
async def triggered(harness: Harness, venue: Venue, part: str, **options: str) -> AsyncIterator[Sample[float]]:
    """Run a part of the floor triggered by a line; yield its sampling function, in milliseconds."""
    connected: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _, writer: connected.set_result(writer), "127.0.0.1", 0)
    trigger: int = server.sockets[0].getsockname()[1]
    async with (
        server,
        harness.floor(part, port=venue.http_port, trigger=trigger, **options) as child,
        read_stamps(child) as stamps,
        asyncio.timeout(START_SECONDS) as starting,
    ):
        writer = await connected
        starting.reschedule(None)
        try:
            yield partial(floor_delay_ms, venue, stamps, writer)
        finally:
            writer.close()
