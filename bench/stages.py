"""Stage timings: the timestamps of each listing in the pipeline, between those of the venue."""

import asyncio
import json
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

import asyncpg

from bench.exchange.venue import Journey
from bench.figures import BenchmarkError
from bench.stamping.ingest import RECEIVED

STAMPS: Final = ("observed_at", "published_at", "deduplicated_at", "decided_at")
STAGES: Final = ("observed", "published", "deduplicated", "decided", "ordered")
"""Each since its predecessor: frame read, raw event made, claim begun, decision made, order received."""
READ: Final = """
SELECT symbol, jsonb_build_object(
    'observed_at', listing -> 'observed_at', 'published_at', listing -> 'published_at',
    'deduplicated_at', listing -> 'deduplicated_at', 'decided_at', decided_at
) AS stages
FROM orders WHERE state IN ('filled', 'partially_filled')
"""
STAMPED_BY_INGEST: Final = ("observed_at", "published_at")
"""In the exchange's time, as ingest knows it."""
REPORTED: Final = re.compile(rf"^(\S+)/{RECEIVED} (\d+)$", re.MULTILINE)
SETTLE_SECONDS: Final = 10.0

StageTimes = Sequence[float]
"""Times of a journey's start, stages and end, in seconds."""


async def stage_times(database: str, journeys: Sequence[Journey], log: Path) -> list[StageTimes]:
    """Return the stage times of each journey, whose frames were received as *log* has it.

    Raises BenchmarkError if one is not in it, or an order is missing from the journal.
    """
    stamps = await settled_stamps(database, {journey.symbol for journey in journeys})
    received = received_ns(log)
    if missing := [journey.symbol for journey in journeys if journey.symbol not in received]:
        raise BenchmarkError(f"{log.name}: nothing was said of {', '.join(missing)}")
    return [times_of(journey, stamps[journey.symbol], received[journey.symbol]) for journey in journeys]


def received_ns(log: Path) -> Mapping[str, int]:
    """Return when the first frame with each symbol was received, by the monotonic clock, as *log* has it."""
    # Other sources show it later.
    return {symbol: int(moment) for symbol, moment in reversed(REPORTED.findall(log.read_text(errors="replace")))}


def times_of(journey: Journey, stages: Mapping[str, str], received_ns: int) -> StageTimes:
    """Return the times of *journey* by this machine's clock; ingest stamps by the exchange's, as it knows that."""
    stamps = {name: datetime.fromisoformat(stages[name]).timestamp() for name in STAMPS}
    received = journey.started.wall_seconds + (received_ns - journey.started.monotonic_ns) / 1e9
    behind = received - stamps["observed_at"]
    stamps |= {name: stamps[name] + behind for name in STAMPED_BY_INGEST}
    return [journey.started.wall_seconds, *stamps.values(), journey.ordered.wall_seconds]


def medians_ms(journeys: Iterable[StageTimes]) -> Mapping[str, float]:
    """Return the median of each stage, in milliseconds."""
    steps = [[(later - earlier) * 1000 for earlier, later in pairwise(one)] for one in journeys]
    columns = zip(*steps, strict=True)
    return {stage: round(statistics.median(column), 3) for stage, column in zip(STAGES, columns, strict=True)}


def received_to_ordered_ms(journeys: Iterable[StageTimes]) -> list[float]:
    """Return each time from the frame's arrival in ingest to the order's at the venue."""
    return [(one[-1] - one[1]) * 1000 for one in journeys]


def received_to_decided_ms(journeys: Iterable[StageTimes]) -> float:
    """Return the median from a frame's arrival in ingest to its decision, in milliseconds."""
    return round(statistics.median((one[-2] - one[1]) * 1000 for one in journeys), 3)


async def settled_stamps(database: str, symbols: set[str]) -> Mapping[str, Mapping[str, str]]:
    """Read the timestamps of all *symbols*, once the last is settled."""
    connection = await asyncpg.connect(database)
    try:
        async with asyncio.timeout(SETTLE_SECONDS):
            while True:
                found = {row["symbol"]: json.loads(row["stages"]) for row in await connection.fetch(READ)}
                if symbols <= found.keys():
                    return found
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise BenchmarkError("orders were sent that the journal does not hold as filled") from None
    finally:
        await connection.close()
