"""From the push that confirms a stop to its sale on the wire, beside one commit and one request."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Final

import asyncpg
from aio_pika.abc import AbstractExchange

from bench.environment import create_floor_table, environment, raise_limits, trade_live
from bench.exchange.market import PRICE
from bench.exchange.venue import Journey, Venue, open_venue
from bench.figures import Figures, Result, latency
from bench.floor.messaging import persistent
from bench.harness import Harness
from bench.listings import ListingDetails, new_listing
from bench.parts import express
from bench.parts.executor import LIVE, MODULE, exchange_of, triggered
from bench.sampling import interleaved
from bench.stamping.sales import PUSHED
from bench.stamps import read_stamps
from shared.mexc.streams.symbol_channels import book_channel
from shared.wire import cloudevents
from tests.waiting import eventually

FOLLOWING: Final[Mapping[str, str]] = {
    **LIVE,
    "SNIPER_EXECUTOR_EXIT_STREAMS": "true",
    "SNIPER_EXECUTOR_EXIT_CHECK_SECONDS": "0.5",
}
"""With the default interval of looks, which go on beside."""
STOP: Final = "UPDATE trade_config SET stop_loss_pct = 20"
WATCHED: Final = "SELECT count(*) FROM positions WHERE symbol = $1 AND state = 'open' AND stop_reference IS NOT NULL"
FALLEN: Final = PRICE * Decimal("0.7")
READY_SECONDS: Final = 20.0
LOOKS_SECONDS: Final = 1.2
"""Two looks, after which the position is judged by its pushes, and its balance is known."""
APART_SECONDS: Final = 0.01
"""The exchange pushes the best prices a hundred times a second."""


async def measure(harness: Harness) -> Result:
    """Return the times from the second push that shows a stop due to the sale; also of an express way that spins.

    Like those of the floor, they begin in our process.
    """
    briefly = replace(harness, plan=harness.plan.quarter)
    usual = await measured(briefly, MODULE, {})
    spinning = await measured(briefly, express.MODULE, {**express.OWN, **express.SPINNING})
    return replace(usual, extra={**usual.extra, "spinning": spinning.as_json()})


async def measured(harness: Harness, module: str, more: Mapping[str, str]) -> Result:
    """Take the samples of sales by a process of *module*, with *more* variables than the usual."""
    database, broker = harness.database(), harness.broker()
    await raise_limits(database)
    await create_floor_table(database)
    await trade_live(database)
    from_sent_ms: list[float] = []
    async with (
        asyncpg.create_pool(database, min_size=1, max_size=1) as reading,
        open_venue() as venue,
        harness.child(module, environment={**environment(venue, database, broker), **FOLLOWING, **more}) as selling,
        read_stamps(selling) as stamps,
        exchange_of(broker) as events,
        triggered(harness, venue, "straight", database=database) as bare,
    ):
        await reading.execute(STOP)

        async def sample(number: int) -> float:
            journey = await sale(f"X{number:05d}", events, venue, reading)
            from_sent_ms.append(journey.ms)
            return await stamps.ms_until(f"{journey.symbol}/{PUSHED}", journey.ordered)

        floor_ms, ours_ms = await interleaved(bare, sample, harness.plan, pause=partial(asyncio.sleep, 0))
    return result_of(latency(ours_ms), latency(floor_ms), latency(from_sent_ms[harness.plan.warmups :]))


def result_of(ours: Figures, floor: Figures, from_sent: Figures) -> Result:
    return Result(
        ours=ours,
        floor=floor,
        what="push received that confirms a stop → sale on the wire (live)",
        extra={
            "over_floor_p50_ms": round(ours.p50_ms - 1.5 * floor.p50_ms, 3),
            "from_push_sent": from_sent.as_json(),
        },
    )


async def sale(
    base_asset: str, events: AbstractExchange, venue: Venue, reading: "asyncpg.Pool[asyncpg.Record]"
) -> Journey:
    """Have a coin bought, let it fall in two pushes; return the way from the sending of the second to its sale."""
    listing = new_listing(base_asset, details=ListingDetails.ALL)
    symbol, bought = listing.symbol, venue.expect(listing.symbol)
    await events.publish(persistent(listing.id, cloudevents.encode(listing)), "listing.detected")
    await bought

    async def is_watched() -> bool:
        return venue.follows(book_channel(symbol)) and await reading.fetchval(WATCHED, symbol) == 1

    await eventually(is_watched, within_seconds=READY_SECONDS)
    await venue.quote(symbol, PRICE, version=1)
    await asyncio.sleep(LOOKS_SECONDS)
    venue.reprice(symbol, FALLEN)
    sold = venue.expect(symbol)
    await venue.quote(symbol, FALLEN, version=2)
    await asyncio.sleep(APART_SECONDS)
    return await venue.arrival(symbol, await venue.quote(symbol, FALLEN, version=3), sold)
