"""Frame to order with every service in one process, on the bus embedded in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from bench.environment import create_floor_table, environment, raise_limits
from bench.errors import BenchmarkError
from bench.exchange.venue import Instant, Journey, Venue, open_venue
from bench.figures import Result, latency
from bench.parts.pipeline import listing_sample
from bench.sampling import Sample, interleaved
from bench.stages import medians_ms, received_to_decided_ms, received_to_ordered_ms, stage_times
from bench.testbed import START_SECONDS, Testbed, wait_until_ready

COMMAND: Final = ("up", "--exchange", "mexc")
"""The operator's command; its exchange is the venue."""


async def measure(testbed: Testbed) -> Result:
    """Return the times from a frame's arrival in ingest to its order's at the venue, after the commit."""
    database = testbed.database()
    await raise_limits(database)
    await create_floor_table(database)
    async with (
        open_venue() as venue,
        testbed.service(*COMMAND, environment=environment(venue, database, None)) as up,
        floor_running(testbed, venue, database) as trigger,
    ):
        await wait_until_ready(up)
        bare, ours = await interleaved(trigger, partial(listing_sample, venue), testbed.plan, venue.list_newcomers)
        journeys = await stage_times(database, ours)
        resident_mb = await resident_megabytes(up.process.pid)
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
async def floor_running(testbed: Testbed, venue: Venue, database: str) -> AsyncIterator[Sample[Journey]]:
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
        testbed.floor("alone", database=database, port=venue.http_port, trigger=trigger_port),
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
