"""Frame to order on the express way, with RabbitMQ and PostgreSQL beside, as in production."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from statistics import median
from typing import Final

from bench.environment import create_floor_table, environment, forget_recent_orders, raise_limits, trade_live
from bench.exchange.venue import Journey, Venue, open_venue
from bench.figures import Figures, Result, latency
from bench.harness import Harness
from bench.parts import pipeline
from bench.parts.executor import LIVE, triggered
from bench.parts.pipeline import listing_sample
from bench.sampling import Sample, interleaved
from bench.stamping.express import RECEIVED
from bench.stamps import Stamps, read_stamps

MODULE: Final = "bench.stamping.express"
BESIDE: Final = ("dedup", "persister")
"""They share the machine, as in production; no order waits for them."""
SPINNING: Final[Mapping[str, str]] = {"SNIPER_EXPRESS_SPIN": "true"}
OWN: Final[Mapping[str, str]] = {**LIVE, "SNIPER_METRICS_PORT": "0"}
STAGES: Final = (RECEIVED, "taken", "decided", "asked", "committed")
"""Frame read, sighting made, order drafted, the statement's turn of the event loop over, and committed."""
STAGES_ENDED: Final = (*STAGES[1:], "ordered")
APART_SECONDS: Final = 0.07
"""Between a sample of the floor of two hops and one of the floor."""
OTHERS: Final = 50_000
"""First number of the samples of the floor of two hops."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A sample: the milliseconds from its frame's sending, and from each of `STAGES`, until its order arrived."""

    sent_ms: float
    stages_ms: Sequence[float]

    @property
    def ms(self) -> float:
        """The milliseconds from the frame's arrival in our process to the order's at the venue."""
        return self.stages_ms[0]


@dataclass(frozen=True, slots=True)
class Measured:
    """Passages, and both floors of the same run."""

    passages: Sequence[Passage]
    floor: Figures
    two_hops: Figures

    def as_result(self) -> Result:
        ours = latency([each.ms for each in self.passages])
        return Result(
            ours=ours,
            floor=self.floor,
            what="websocket frame received → order request on the wire, on the express way (live)",
            extra={
                "over_floor_p50_ms": round(ours.p50_ms - 1.5 * self.floor.p50_ms, 3),
                "two_hops": self.two_hops.as_json(),
                "of_two_hops_p50": round(ours.p50_ms / self.two_hops.p50_ms, 3),
                "from_frame_sent": latency([each.sent_ms for each in self.passages]).as_json(),
                "stages_p50_ms": medians_ms(self.passages),
            },
        )


async def measure(harness: Harness) -> Result:
    """Return the times from a frame's arrival in ingest to its order's at the venue; the floor: a commit and a POST."""
    usual = (await measured(harness, {})).as_result()
    briefly = replace(harness, plan=harness.plan.quarter)
    spinning = (await measured(briefly, SPINNING)).as_result()
    return replace(usual, extra={**usual.extra, "spinning": spinning.as_json(), "beside": ", ".join(BESIDE)})


async def measured(harness: Harness, more: Mapping[str, str]) -> Measured:
    """Take the samples of one configuration, with *more* variables than the usual."""
    database, broker = harness.database(), harness.broker()
    await raise_limits(database)
    await trade_live(database)
    await create_floor_table(database)
    hops: list[Journey] = []
    async with (
        open_venue() as venue,
        harness.services(*BESIDE, environment=environment(venue, database, broker)),
        harness.child(MODULE, environment={**environment(venue, database, broker), **OWN, **more}) as express,
        read_stamps(express) as stamps,
        pipeline.floor_running(harness, venue, database, broker) as two_hops,
        triggered(harness, venue, "straight", database=database) as straight,
    ):
        bare, ours = await interleaved(
            partial(both_floors, two_hops, straight, hops),
            partial(passage, venue, stamps),
            harness.plan,
            partial(settle, venue, database),
        )
    floor = latency([each for each in bare if isinstance(each, float)])
    passages = [each for each in ours if isinstance(each, Passage)]
    return Measured(passages, floor, latency([each.ms for each in hops[harness.plan.warmups :]]))


async def settle(venue: Venue, database: str) -> None:
    """Show the newcomers by REST, and make the limits' row as small as in production."""
    await venue.list_newcomers()
    await forget_recent_orders(database)


async def passage(venue: Venue, stamps: Stamps, number: int) -> Passage | float:
    """Take a sample: a frame with a new coin, to its order."""
    journey = await listing_sample(venue, number)
    return Passage(journey.ms, [await stamps.ms_until(f"{journey.symbol}/{each}", journey.ordered) for each in STAGES])


def medians_ms(passages: Sequence[Passage]) -> Mapping[str, float]:
    """Return the median of each stage until the next, and of the last until the order arrived."""
    steps = [[former - latter for former, latter in pairwise((*each.stages_ms, 0.0))] for each in passages]
    columns = zip(*steps, strict=True)
    return {stage: round(median(column), 3) for stage, column in zip(STAGES_ENDED, columns, strict=True)}


async def both_floors(
    two_hops: Sample[Journey], straight: Sample[float], hops: list[Journey], number: int
) -> Passage | float:
    """Take a sample of each floor; keep that of two hops in *hops*."""
    hops.append(await two_hops(OTHERS + number))
    await asyncio.sleep(APART_SECONDS)
    return await straight(number)
