"""How long after its opening, by the exchange's clock, an order that waited for it arrives there."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final

from aio_pika.abc import AbstractExchange

from bench.environment import environment, raise_limits, trade_live
from bench.exchange.venue import Moment, Venue, open_venue
from bench.figures import Result, latency
from bench.floor.part import persistent
from bench.ground import Ground
from bench.listings import Told, fresh
from bench.parts.executor import LIVE, exchange_of, triggered
from bench.sampling import Sample
from shared.events import utc_now
from shared.wire import cloudevents

OPENINGS_MAX: Final = 100
AHEAD: Final = timedelta(seconds=4)
AHEAD_EACH: Final = timedelta(milliseconds=80)
"""Until the first opening: all are announced by then."""
EVERY: Final = timedelta(milliseconds=350)
"""From one opening to the next, so that the budget of order requests a second is never short."""


async def measure(ground: Ground) -> Result:
    """Return how late orders arrive; the floor is the bare way of a request, which nobody can begin before T0."""
    database, broker = ground.database(), ground.broker()
    await raise_limits(database)
    await trade_live(database)
    async with (
        open_venue() as venue,
        ground.services("executor", environment={**environment(venue, database, broker), **LIVE}),
        exchange_of(broker) as events,
        triggered(ground, venue, "send") as bare,
    ):
        openings = await _announced(events, min(OPENINGS_MAX, ground.plan.samples))
        late_ms, floor_ms = await _followed(venue, openings, bare)
    return Result(
        ours=latency(late_ms),
        floor=latency(floor_ms),
        what="opening, by the exchange's clock → order request on the wire (live)",
        extra={"earliest_ms": round(min(late_ms), 3), "latest_ms": round(max(late_ms), 3), "openings": len(openings)},
    )


async def _announced(events: AbstractExchange, count: int) -> list[tuple[str, datetime]]:
    """Tell of *count* coins, none of which trades yet; return when each will."""
    first = utc_now() + AHEAD + count * AHEAD_EACH
    openings = [(f"T{number:05d}", _whole_ms(first + number * EVERY)) for number in range(count)]
    for base_asset, opens_at in openings:
        listing = fresh(base_asset, told=Told.ALL, opens_at=opens_at)
        await events.publish(persistent(listing.id, cloudevents.encode(listing)), "listing.detected")
    return [(f"{base_asset}USDT", opens_at) for base_asset, opens_at in openings]


async def _followed(
    venue: Venue, openings: list[tuple[str, datetime]], bare: Sample[float]
) -> tuple[list[float], list[float]]:
    """Take a sample of the floor well before each opening; return by how much orders were late, and the floor's."""
    late_ms, floor_ms = [], []
    awaited = [venue.expect(symbol) for symbol, _ in openings]
    for number, ((symbol, opens_at), ordered) in enumerate(zip(openings, awaited, strict=True)):
        await asyncio.sleep((opens_at - utc_now()).total_seconds() - EVERY.total_seconds() / 2)
        floor_ms.append(await bare(number))
        journey = await venue.arrival(symbol, Moment.now(), ordered)
        late_ms.append((journey.ordered.wall_seconds - opens_at.timestamp()) * 1000)
    return late_ms, floor_ms


def _whole_ms(moment: datetime) -> datetime:
    """The exchange names openings in milliseconds."""
    return datetime.fromtimestamp(int(moment.timestamp() * 1000) / 1000, UTC)
