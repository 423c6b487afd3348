"""Frame to order on the express way, with RabbitMQ and PostgreSQL beside, as in production."""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Final

from bench.environment import create_floor_table, environment, raise_limits, trade_live
from bench.exchange.venue import Journey, open_venue
from bench.figures import Result, latency
from bench.harness import Harness
from bench.parts import pipeline
from bench.parts.executor import LIVE, triggered
from bench.parts.pipeline import listing_sample
from bench.sampling import Sample, interleaved
from bench.stages import medians_ms, received_to_ordered_ms, stage_times

SERVICES: Final = ("dedup", "persister", "express")
"""Dedup and persister share the machine, as in production; no order waits for them."""
APART_SECONDS: Final = 0.07
"""Between a sample of the floor of two hops and one of the floor."""
OTHERS: Final = 50_000
"""First number of the samples of the floor of two hops."""


async def measure(harness: Harness) -> Result:
    """Return the times from a frame's arrival in ingest to its order's at the venue; the floor: a commit and a POST."""
    database, broker = harness.database(), harness.broker()
    await raise_limits(database)
    await trade_live(database)
    await create_floor_table(database)
    hops: list[Journey] = []
    async with (
        open_venue() as venue,
        harness.services(*SERVICES, environment={**environment(venue, database, broker), **LIVE}),
        pipeline.floor_running(harness, venue, database, broker) as two_hops,
        triggered(harness, venue, "straight", database=database) as straight,
    ):
        bare, ours = await interleaved(
            partial(both_floors, two_hops, straight, hops),
            partial(listing_sample, venue),
            harness.plan,
            venue.list_newcomers,
        )
        journeys = await stage_times(database, [each for each in ours if isinstance(each, Journey)])
    floor = latency([each for each in bare if isinstance(each, float)])
    figures, by_two_hops = latency(received_to_ordered_ms(journeys)), latency(_ms(hops[harness.plan.warmups :]))
    return Result(
        ours=figures,
        floor=floor,
        what="websocket frame received → order request on the wire, on the express way (live)",
        extra={
            "over_floor_p50_ms": round(figures.p50_ms - 1.5 * floor.p50_ms, 3),
            "two_hops": by_two_hops.as_json(),
            "of_two_hops_p50": round(figures.p50_ms / by_two_hops.p50_ms, 3),
            "from_frame_sent": latency(_ms([each for each in ours if isinstance(each, Journey)])).as_json(),
            "stages_p50_ms": medians_ms(journeys),
            "beside": "dedup, persister",
        },
    )


async def both_floors(
    two_hops: Sample[Journey], straight: Sample[float], hops: list[Journey], number: int
) -> Journey | float:
    """Take a sample of each floor; keep that of two hops in *hops*."""
    hops.append(await two_hops(OTHERS + number))
    await asyncio.sleep(APART_SECONDS)
    return await straight(number)


def _ms(journeys: Sequence[Journey]) -> list[float]:
    return [each.ms for each in journeys]
