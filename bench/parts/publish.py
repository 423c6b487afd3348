"""Frame to raw event: from a frame's arrival in ingest until RabbitMQ has confirmed what ingest makes of it."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

from bench.environment import environment
from bench.errors import BenchmarkError
from bench.exchange.venue import LOST_SECONDS, Venue, open_venue
from bench.figures import Result, latency
from bench.ground import START_SECONDS, Ground, when_ready
from bench.sampling import Sample, interleaved
from ingest.catalogue import Sighting, SymbolRecord, SymbolState
from ingest.output.publisher import raw_listing
from shared.events import RawListing, Source, utc_now
from shared.wire import cloudevents
from tests.waiting import eventually

UNDISTURBED_SECONDS: Final = 0.05
"""From a frame until the log is looked at."""


async def measure(ground: Ground) -> Result:
    """Return the times from a frame's arrival to the confirm (the floor: of one bare publish, in its own process)."""
    database, broker = ground.database(), ground.broker()
    body = cloudevents.encode(_raw_event())
    async with (
        open_venue() as venue,
        ground.service(
            "run", "ingest", environment=environment(venue, database, broker) | {"SNIPER_LOG_FORMAT": "json"}
        ) as ingest,
    ):
        await when_ready(ingest)
        async with floor_running(ground, broker, body) as bare:
            ours = partial(seen, venue, Seen(ingest.log))
            bare_ms, ours_ms = await interleaved(bare, ours, ground.plan, venue.list_newcomers)
    return Result(
        ours=latency(ours_ms),
        floor=latency(bare_ms),
        what="websocket frame received → raw event confirmed by RabbitMQ",
        extra={"floor_body_bytes": len(body)},
    )


def _raw_event() -> RawListing:
    """Return an event like those of ours, for the floor to carry as much."""
    known, now = SymbolRecord("F00000USDT", SymbolState.TRADABLE, "F00000", "USDT", utc_now()), utc_now()
    return raw_listing(Sighting(known, Source.MEXC_WEBSOCKET, now, late=False), secrets.token_hex(16), now)


class Seen:
    """What ingest's log says of each listing: how long it took until the broker had it."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._read = 0
        self._ms: dict[str, float] = {}

    def ms(self, symbol: str) -> float:
        """Return the time of *symbol*; raise KeyError where it is not there yet."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                self._note(line)
        return self._ms[symbol]

    def _note(self, line: bytes) -> None:
        said = json.loads(line)
        if said["event"] == "listing seen" and said["source"] == Source.MEXC_WEBSOCKET:
            self._ms[said["symbol"]] = said["seconds"] * 1000


async def seen(venue: Venue, log: Seen, number: int) -> float:
    """Take a sample of ours: a frame with a coin nobody has seen."""
    symbol = f"N{number:05d}USDT"
    await venue.push(symbol)
    await asyncio.sleep(UNDISTURBED_SECONDS)
    try:
        return await eventually(partial(log.ms, symbol), within_seconds=LOST_SECONDS)
    except AssertionError as error:
        raise BenchmarkError(f"sample lost: {symbol} was not confirmed within {LOST_SECONDS:.0f} s") from error


@asynccontextmanager
async def floor_running(ground: Ground, broker: str, body: bytes) -> AsyncIterator[Sample[float]]:
    """Run the floor's one process; yield what takes a sample of it."""
    connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]
    connected = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda *streams: connected.set_result(streams), "127.0.0.1", 0)
    trigger_port: int = server.sockets[0].getsockname()[1]
    async with (
        server,
        ground.floor("confirm", broker=broker, trigger=trigger_port),
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
