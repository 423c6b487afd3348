"""Where our time goes: the stamps each listing collects on its way, between those of the venue."""

import asyncio
import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Final

import asyncpg

from bench.errors import BenchmarkError
from bench.exchange.venue import Journey

STAMPS: Final = ("observed_at", "published_at", "deduplicated_at", "decided_at")
STAGES: Final = ("observed", "published", "deduplicated", "decided", "ordered")
"""Each from the one before: frame read, raw event made, claim begun, decision made, order received."""
READ: Final = """
SELECT symbol, jsonb_build_object(
    'observed_at', listing -> 'observed_at', 'published_at', listing -> 'published_at',
    'deduplicated_at', listing -> 'deduplicated_at', 'decided_at', decided_at
) AS stages
FROM orders WHERE state IN ('filled', 'partially_filled')
"""
SETTLE_SECONDS: Final = 10.0

Passed = Sequence[float]
"""When a journey was started, passed each stage and ended, in seconds."""


async def passed_by(database: str, journeys: Sequence[Journey]) -> list[Passed]:
    """Return the stamps of each journey; raise BenchmarkError where an order was sent and is not in the journal."""
    stamps = await _stamps(database, {journey.symbol for journey in journeys})
    return [passed(journey, stamps[journey.symbol]) for journey in journeys]


def passed(journey: Journey, stages: Mapping[str, str]) -> Passed:
    stamps = (datetime.fromisoformat(stages[name]).timestamp() for name in STAMPS)
    return [journey.started.wall_seconds, *stamps, journey.ordered.wall_seconds]


def medians_ms(journeys: Iterable[Passed]) -> Mapping[str, float]:
    """Return the median of each step, in milliseconds."""
    steps = [[(later - earlier) * 1000 for earlier, later in pairwise(one)] for one in journeys]
    columns = zip(*steps, strict=True)
    return {stage: round(statistics.median(column), 3) for stage, column in zip(STAGES, columns, strict=True)}


def received_to_ordered_ms(journeys: Iterable[Passed]) -> list[float]:
    """Return how long each took from its frame's arrival here to its order's arrival there."""
    return [(one[-1] - one[1]) * 1000 for one in journeys]


def received_to_decided_ms(journeys: Iterable[Passed]) -> float:
    """Return the median from a frame's arrival here to the decision about it, in milliseconds."""
    return round(statistics.median((one[-2] - one[1]) * 1000 for one in journeys), 3)


async def _stamps(database: str, symbols: set[str]) -> Mapping[str, Mapping[str, str]]:
    """Read the stamps of all *symbols* once the last of them is settled."""
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
