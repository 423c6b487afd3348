"""Frame to raw event: from a frame's arrival in ingest to RabbitMQ's confirm of the raw event."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from bench.environment import environment
from bench.exchange.venue import LOST_SECONDS, Venue, open_venue
from bench.figures import BenchmarkError, Result, latency
from bench.harness import START_SECONDS, Harness, wait_until_ready
from bench.sampling import Sample, interleaved
from ingest.catalogue import Sighting, SymbolRecord, SymbolState
from ingest.output.publisher import raw_listing
from shared.events import RawListing, Source, utc_now
from shared.wire import cloudevents
from tests.waiting import eventually

UNDISTURBED_SECONDS: Final = 0.05
"""Delay from a frame to the first read of the log."""


async def measure(harness: Harness) -> Result:
    """Return the times from a frame's arrival to the confirm (the floor: one bare publish in its own process)."""
    database, broker = harness.database(), harness.broker()
    body = cloudevents.encode(typical_event())
    async with (
        open_venue() as venue,
        harness.service(
            "run", "ingest", environment=environment(venue, database, broker) | {"SNIPER_LOG_FORMAT": "json"}
        ) as ingest,
    ):
        await wait_until_ready(ingest)
        async with floor_running(harness, broker, body) as bare:
            ours = partial(listing_sample, venue, IngestLog(ingest.log))
            bare_ms, ours_ms = await interleaved(bare, ours, harness.plan, venue.list_newcomers)
    return Result(
        ours=latency(ours_ms),
        floor=latency(bare_ms),
        what="websocket frame received → raw event confirmed by RabbitMQ",
        extra={"floor_body_bytes": len(body)},
    )


def typical_event() -> RawListing:
    """Return an event of ours, so that the floor has the same payload."""
    known, now = SymbolRecord("F00000USDT", SymbolState.TRADABLE, "F00000", "USDT", utc_now()), utc_now()
    return raw_listing(Sighting(known, Source.MEXC_WEBSOCKET, now), secrets.token_hex(16), now)


class IngestLog:
    """Reader of ingest's log: the time of each listing until the broker's confirm."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._ms: dict[str, float] = {}

    def ms(self, symbol: str) -> float:
        """Return the time of *symbol*; raise KeyError if it is not logged yet."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                entry = json.loads(line)
                if entry["event"] == "listing seen" and entry["source"] == Source.MEXC_WEBSOCKET:
                    self._ms[entry["symbol"]] = entry["seconds"] * 1000
        return self._ms[symbol]


async def listing_sample(venue: Venue, log: IngestLog, number: int) -> float:
    """Take a sample: a frame with a new coin."""
    symbol = f"N{number:05d}USDT"
    await venue.push(symbol)
    await asyncio.sleep(UNDISTURBED_SECONDS)
    try:
        return await eventually(partial(log.ms, symbol), within_seconds=LOST_SECONDS)
    except AssertionError as error:
        raise BenchmarkError(f"sample lost: {symbol} was not confirmed within {LOST_SECONDS:.0f} s") from error


@asynccontextmanager
async def floor_running(harness: Harness, broker: str, body: bytes) -> AsyncIterator[Sample[float]]:
    """Run the floor's only process; yield its sampling function."""
    connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    connected = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda *streams: connected.set_result(streams), "127.0.0.1", 0)
    trigger_port: int = server.sockets[0].getsockname()[1]
    async with (
        server,
        harness.floor("confirm", broker=broker, trigger=trigger_port),
        asyncio.timeout(START_SECONDS) as starting,
    ):
        reader, writer = await connected
        starting.reschedule(None)

        async def sample(_: int) -> float:
            writer.write(body + b"\n")
            async with asyncio.timeout(LOST_SECONDS):
                return int(await reader.readline()) / 1e6

        try:
            yield sample
        finally:
            writer.close()
