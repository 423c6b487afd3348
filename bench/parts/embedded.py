"""Frame to order with every service in one process, on the bus embedded in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from bench.environment import create_floor_table, environment, raise_limits
from bench.exchange.venue import Instant, Journey, Venue, open_venue
from bench.figures import BenchmarkError, Result, latency
from bench.harness import START_SECONDS, Harness, wait_until_ready
from bench.parts.pipeline import listing_sample
from bench.sampling import Sample, interleaved
from bench.stages import StageTimes, medians_ms, received_to_decided_ms, received_to_ordered_ms, stage_times

COMMAND: Final = ("up", "--exchange", "mexc")
"""The operator's command; its exchange is the venue."""


async def measure(harness: Harness) -> Result:
    """Return the times from a frame's arrival in ingest to its order's at the venue, after the commit."""
    database = harness.database()
    await raise_limits(database)
    await create_floor_table(database)
    async with (
        open_venue() as venue,
        harness.service(*COMMAND, environment=environment(venue, database, None), stamped=True) as up,
        floor_running(harness, venue, database) as trigger,
    ):
        await wait_until_ready(up)
        bare, ours = await interleaved(trigger, partial(listing_sample, venue), harness.plan, venue.list_newcomers)
        journeys = await stage_times(database, ours, up.log)
        resident_mb = await resident_megabytes(up.process.pid)
    return result_of(ours, bare, journeys, resident_mb)


def result_of(
    ours: Sequence[Journey], bare: Sequence[Journey], journeys: Sequence[StageTimes], resident_mb: float
) -> Result:
    return Result(
        ours=latency(received_to_ordered_ms(journeys)),
        floor=latency([journey.ms for journey in bare]),
        what="websocket frame received → order request on the wire, all in one process",
        extra={
            "from_frame_sent": latency([journey.ms for journey in ours]).as_json(),
            "frame_received_to_decided_ms": received_to_decided_ms(journeys),
            "resident_mb": resident_mb,
            "stages_p50_ms": medians_ms(journeys),
        },
    )


@asynccontextmanager
async def floor_running(harness: Harness, venue: Venue, database: str) -> AsyncIterator[Sample[Journey]]:
    """Run the floor's only process; yield its sampling function."""
    connected: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _, writer: connected.set_result(writer), "127.0.0.1", 0)
    trigger_port: int = server.sockets[0].getsockname()[1]

    async def sample(number: int) -> Journey:
        symbol = f"F{number:05d}USDT"
        ordered = venue.expect(symbol)
        started = Instant.now()
        writer.write(f"{symbol}\n".encode())
        return await venue.arrival(symbol, started, ordered)

    async with (
        server,
        harness.floor("alone", database=database, port=venue.http_port, trigger=trigger_port),
        asyncio.timeout(START_SECONDS) as starting,
    ):
        writer = await connected
        starting.reschedule(None)
        try:
            yield sample
        finally:
            writer.close()


async def resident_megabytes(pid: int) -> float:
    """Return the resident memory of a process."""
    asked = await asyncio.create_subprocess_exec("ps", "-o", "rss=", "-p", str(pid), stdout=asyncio.subprocess.PIPE)
    kilobytes, _ = await asked.communicate()
    if not kilobytes.strip():
        raise BenchmarkError("the process ended during its benchmark")
    return round(int(kilobytes) / 1024, 1)
