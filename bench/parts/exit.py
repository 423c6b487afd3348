"""From the push that confirms a stop to its sale on the wire, beside one commit and one request."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Final

import asyncpg
from aio_pika.abc import AbstractExchange

from bench.environment import create_floor_table, environment, raise_limits, trade_live
from bench.exchange.market import PRICE
from bench.exchange.venue import Venue, open_venue
from bench.figures import Result, latency
from bench.floor.messaging import persistent
from bench.harness import Harness
from bench.listings import ListingDetails, new_listing
from bench.parts.executor import LIVE, MODULE, exchange_of, triggered
from bench.sampling import interleaved
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
    """Return the times of sales by the second of two pushes that show a stop due; also of an express way that spins."""
    briefly = replace(harness, plan=harness.plan.quarter)
    usual = await measured(briefly, executor)
    spinning = await measured(briefly, spinning_express)
    return replace(usual, extra={**usual.extra, "spinning": spinning.as_json()})


Running = Callable[[Harness, dict[str, str]], AbstractAsyncContextManager[object]]
"""Runs a process that sells, with these variables."""


def executor(harness: Harness, variables: dict[str, str]) -> AbstractAsyncContextManager[object]:
    """Run the executor alone."""
    return harness.child(MODULE, environment=variables)


def spinning_express(harness: Harness, variables: dict[str, str]) -> AbstractAsyncContextManager[object]:
    """Run the express way, whose event loop spins."""
    return harness.services("express", environment=variables | {"SNIPER_EXPRESS_SPIN": "true"})


async def measured(harness: Harness, running: Running) -> Result:
    """Take the samples of sales by the process that is *running*."""
    database, broker = harness.database(), harness.broker()
    await raise_limits(database)
    await create_floor_table(database)
    await trade_live(database)
    reading = await asyncpg.connect(database)
    await reading.execute(STOP)
    async with (
        open_venue() as venue,
        running(harness, environment(venue, database, broker) | dict(FOLLOWING)),
        exchange_of(broker) as events,
        triggered(harness, venue, "straight", database=database) as bare,
    ):

        async def sample(number: int) -> float:
            return await sale_delay_ms(f"X{number:05d}", events, venue, reading)

        floor_ms, ours_ms = await interleaved(bare, sample, harness.plan, pause=partial(asyncio.sleep, 0))
    await reading.close()
    ours, floor = latency(ours_ms), latency(floor_ms)
    return Result(
        ours=ours,
        floor=floor,
        what="push that confirms a stop → sale on the wire (live)",
        extra={"over_floor_p50_ms": round(ours.p50_ms - 1.5 * floor.p50_ms, 3)},
    )


async def sale_delay_ms(
    base_asset: str, events: AbstractExchange, venue: Venue, reading: "asyncpg.Connection[asyncpg.Record]"
) -> float:
    """Have a coin bought, let it fall in two pushes; return the milliseconds from the second to its sale."""
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
    journey = await venue.arrival(symbol, await venue.quote(symbol, FALLEN, version=3), sold)
    return journey.ms
