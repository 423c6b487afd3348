"""Lateness of armed orders after their opening, by the exchange's clock."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from aio_pika.abc import AbstractExchange

from bench.environment import environment, raise_limits, trade_live
from bench.exchange.venue import Instant, Venue, open_venue
from bench.figures import Result, latency
from bench.floor.messaging import persistent
from bench.listings import ListingDetails, new_listing
from bench.parts.executor import LIVE, exchange_of, triggered
from bench.sampling import Sample
from bench.testbed import Testbed
from shared.events import utc_now
from shared.wire import cloudevents

OPENINGS_MAX: Final = 100
AHEAD: Final = timedelta(seconds=4)
AHEAD_EACH: Final = timedelta(milliseconds=80)
"""Lead time per listing to announce all before the first opening."""
EVERY: Final = timedelta(milliseconds=350)
"""Interval of openings, within the rate limit of orders."""


async def measure(testbed: Testbed) -> Result:
    """Return the lateness of orders; the floor is a bare request, which cannot begin before the opening."""
    database, broker = testbed.database(), testbed.broker()
    await raise_limits(database)
    await trade_live(database)
    async with (
        open_venue() as venue,
        testbed.services("executor", environment={**environment(venue, database, broker), **LIVE}),
        exchange_of(broker) as events,
        triggered(testbed, venue, "send") as bare,
    ):
        openings = await _announce(events, min(OPENINGS_MAX, testbed.plan.samples))
        late_ms, floor_ms = await _lateness_ms(venue, openings, bare)
    return Result(
        ours=latency(late_ms),
        floor=latency(floor_ms),
        what="opening, by the exchange's clock → order request on the wire (live)",
        extra={"earliest_ms": round(min(late_ms), 3), "latest_ms": round(max(late_ms), 3), "openings": len(openings)},
    )


async def _announce(events: AbstractExchange, count: int) -> list[tuple[str, datetime]]:
    """Publish *count* listings that do not trade yet; return the opening of each."""
    first = utc_now() + AHEAD + count * AHEAD_EACH
    # Whole milliseconds, the exchange's unit of openings.
    times_ms = [int((first + number * EVERY).timestamp() * 1000) for number in range(count)]
    openings = [(f"T{number:05d}", datetime.fromtimestamp(ms / 1000, UTC)) for number, ms in enumerate(times_ms)]
    for base_asset, opens_at in openings:
        listing = new_listing(base_asset, details=ListingDetails.ALL, opens_at=opens_at)
        await events.publish(persistent(listing.id, cloudevents.encode(listing)), "listing.detected")
    return [(f"{base_asset}USDT", opens_at) for base_asset, opens_at in openings]


async def _lateness_ms(
    venue: Venue, openings: list[tuple[str, datetime]], bare: Sample[float]
) -> tuple[list[float], list[float]]:
    """Take a sample of the floor well before each opening; return the lateness of orders, and the floor's times."""
    late_ms, floor_ms = [], []
    awaited = [venue.expect(symbol) for symbol, _ in openings]
    for number, ((symbol, opens_at), ordered) in enumerate(zip(openings, awaited, strict=True)):
        await asyncio.sleep((opens_at - utc_now()).total_seconds() - EVERY.total_seconds() / 2)
        floor_ms.append(await bare(number))
        journey = await venue.arrival(symbol, Instant.now(), ordered)
        late_ms.append((journey.ordered.wall_seconds - opens_at.timestamp()) * 1000)
    return late_ms, floor_ms
