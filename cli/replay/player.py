"""Replay of a recording through the pipeline and the persister, until every decision is stored."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from cli.replay.clock import Clock
from cli.replay.run import HANDLED_SECONDS_MAX, Pipeline
from executor.settings import ExecutorSettings
from persister.service import serve as persist
from persister.settings import PersisterSettings
from shared.errors import pause
from shared.events import RawListing
from shared.process.runtime import Runtime
from shared.settings import load

STORED: Final = """
    SELECT (SELECT count(*) FROM listing_claims) <= (SELECT count(*) FROM listings)
       AND (SELECT count(DISTINCT listing_key) FROM trades) >= $1
"""
LOOK_SECONDS: Final = 0.02


async def replay(runtime: Runtime, raws: Sequence[RawListing], *, speed: float) -> Mapping[str, str]:
    """Return the decision on each listing, by its key, in the order of the decisions.

    *speed* is a multiple of the recorded speed; 0 is as fast as possible.
    """
    settings, persister = load(ExecutorSettings), load(PersisterSettings)
    if not raws:
        return {}
    clock = Clock(raws[0].published_at)
    pipeline = Pipeline(runtime, settings, clock)
    async with asyncio.TaskGroup() as services:
        services.create_task(persist(runtime, persister), name="persister")
        services.create_task(pipeline.serve(), name="pipeline")
        try:
            for raw in raws:
                if speed:
                    await pause(max(0.0, (raw.published_at - clock.now()).total_seconds() / speed), runtime.stop)
                await pipeline.play(raw)
            await pipeline.open_until(None)
            await wait_until_stored(runtime, len(pipeline.decisions))
        finally:
            runtime.stop.set()
    return pipeline.decisions


async def wait_until_stored(runtime: Runtime, decisions: int) -> None:
    """Wait until the persister has stored every listing, and a trade of each decision."""
    async with asyncio.timeout(HANDLED_SECONDS_MAX):
        while True:
            async with runtime.database.connection() as connection:
                if await connection.fetchval(STORED, decisions):
                    return
            await asyncio.sleep(LOOK_SECONDS)
