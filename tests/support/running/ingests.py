"""Ingest as a whole, against the simulated exchange and a real database."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg

from ingest import service
from ingest.settings import IngestSettings
from shared import events
from shared.bus.port import Message
from shared.errors import TransientError
from shared.events import Health, RawListing, Source
from shared.postgres.database import Database
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from shared.settings import ExchangeSettings
from shared.wire import cloudevents
from tests.support.fakes.fakes import RecordingBus
from tests.support.running.services import serving
from tests.support.running.simulators import Simulator
from tests.waiting import eventually

BOTH = {Source.MEXC_WEBSOCKET, Source.MEXC_REST_API}


class Outbox(RecordingBus):
    """What ingest published; its broker can be away for sightings."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.refused: list[Message] = []
        self.is_ready: Callable[[], bool] = lambda: False

    async def publish(self, message: Message, /) -> None:
        if self.away and message.exchange == "sniper.raw":
            self.refused.append(message)
            raise TransientError("broker away")
        await super().publish(message)

    @property
    def sightings(self) -> list[RawListing]:
        return [event for event in self._events() if isinstance(event, RawListing)]

    @property
    def healths(self) -> list[Health]:
        return [event for event in self._events() if isinstance(event, Health)]

    def seen_by(self, symbol: str) -> set[Source]:
        return {sighting.source for sighting in self.sightings if sighting.symbol == symbol}

    def is_seen_by_both(self, symbol: str) -> bool:
        return self.seen_by(symbol) == BOTH

    def _events(self) -> list[events.Event]:
        others = ("sniper.dead", "sniper.canary")
        return [cloudevents.decode(message.body) for message in self.published if message.exchange not in others]


@asynccontextmanager
async def ingesting(
    database: Database, simulator: Simulator, bus: Outbox | None = None, **overrides: float
) -> AsyncIterator[Outbox]:
    """Run ingest for the time of the block, from the moment it knows what was there before."""
    outbox = bus or Outbox()
    runtime = Runtime(outbox, database, Telemetry(), asyncio.Event())
    # As a process does: not ready before the service itself says what that takes.
    runtime.telemetry.ready_when("ingest", lambda: False)
    quick = {"default_symbols_seconds": 0.1, "exchange_info_seconds": 2, "drain_seconds": 0.5}
    settings = IngestSettings.model_validate(quick | overrides)
    exchange = ExchangeSettings(mexc_rest_url=simulator.rest_url, mexc_ws_url=simulator.ws_url)
    async with serving(runtime, lambda given: service.serve(given, settings, exchange)):
        outbox.is_ready = lambda: not runtime.telemetry.not_ready()
        await eventually(outbox.is_ready, within_seconds=30)
        yield outbox


async def stored(database: Database) -> dict[str, asyncpg.Record]:
    async with database.connection() as connection:
        return {row["symbol"]: row for row in await connection.fetch("SELECT * FROM symbols")}
