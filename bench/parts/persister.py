"""Throughput of the persister in rows per second, from its queue into the database."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

import asyncpg

from bench.backlog import fill, listing, open_channel_with_queues
from bench.figures import BenchmarkError, Result, Step, steps_between, throughput
from bench.harness import Harness
from persister.settings import PersisterSettings
from shared.wire.topology import PERSISTER_LISTINGS
from tests.waiting import eventually

ROWS: Final = 6_000
"""Maximum per round."""
ROWS_PER_SAMPLE: Final = 300
ROUND_SECONDS_MAX: Final = 60.0
POLL_SECONDS: Final = 0.05
BATCH: Final = PersisterSettings.model_fields["batch_rows_max"].default
# A batch is one transaction, and now() is its start.
BATCHES: Final = "SELECT created_at, count(*) AS rows FROM listings GROUP BY created_at ORDER BY created_at"
COUNT: Final = "SELECT count(*) FROM listings"

Worker = Callable[[str, str], AbstractAsyncContextManager[object]]
"""Writes rows to this database, from this broker."""


async def measure(harness: Harness) -> Result:
    """Return the rates of rows, and the time of a batch.

    The floor has its rows in memory. A second floor consumes messages first, to show the broker's share.
    """

    def ours(database: str, broker: str) -> AbstractAsyncContextManager[object]:
        variables = {"SNIPER_DATABASE_URL": database, "SNIPER_BROKER_URL": broker}
        return harness.services("persister", environment=variables)

    def bare(database: str, _: str) -> AbstractAsyncContextManager[object]:
        return harness.floor("batches", database=database, rows=rows, batch=BATCH)

    def consumed(database: str, broker: str) -> AbstractAsyncContextManager[object]:
        return harness.floor("consumed_batches", database=database, broker=broker, rows=rows, batch=BATCH)

    rows = min(ROWS, ROWS_PER_SAMPLE * harness.plan.samples)
    workers = {"floor": (bare, False), "floor_with_broker": (consumed, True), "ours": (ours, True)}
    rounds: dict[str, list[Step]] = {name: [] for name in workers}
    for _ in range(harness.plan.rounds):
        for name, (worker, from_queue) in workers.items():
            rounds[name].extend(await _round(harness, worker, rows, from_queue=from_queue))
    figures = {name: throughput(each) for name, each in rounds.items()}
    return Result(
        ours=figures["ours"],
        floor=figures["floor"],
        what=f"a batch of {BATCH} rows",
        extra={"floor_with_broker": figures["floor_with_broker"].as_json(), "rows": rows * harness.plan.rounds},
    )


async def _round(harness: Harness, worker: Worker, rows: int, *, from_queue: bool) -> Sequence[Step]:
    """Let *worker* write every row; return its batches without the last one, whose end is unknown."""
    database, broker = harness.database(), harness.broker()
    async with open_channel_with_queues(broker) as channel:
        if from_queue:
            await fill(channel, PERSISTER_LISTINGS, map(listing, range(rows)))
        async with worker(database, broker):
            batches = await written_batches(database, rows)
    harness.postgres.drop_database(database)
    return steps_between([each["created_at"].timestamp() for each in batches], [each["rows"] for each in batches])


async def written_batches(database: str, rows: int) -> Sequence[asyncpg.Record]:
    """Wait for all rows; return the start and the size of each batch."""
    connection = await asyncpg.connect(database)

    async def all_written() -> bool:
        return bool(await connection.fetchval(COUNT) == rows)

    try:
        await eventually(all_written, within_seconds=ROUND_SECONDS_MAX, every_seconds=POLL_SECONDS)
        return await connection.fetch(BATCHES)
    except AssertionError:
        raise BenchmarkError(f"not every row was written within {ROUND_SECONDS_MAX:.0f} s") from None
    finally:
        await connection.close()
