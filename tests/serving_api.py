"""The API as it is served, on a database of a test and a free port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import httpx

from api.service import serve
from api.settings import ApiSettings
from shared.database import Database
from shared.runtime import Runtime
from shared.telemetry import Telemetry
from tests.fakes import RecordingBus
from tests.services import open_database, serving


@dataclass(frozen=True, slots=True)
class ServedApi:
    """A server that answers, and what it runs on."""

    client: httpx.AsyncClient
    runtime: Runtime
    bus: RecordingBus

    @property
    def database(self) -> Database:
        return self.runtime.database


@asynccontextmanager
async def serving_api(database_url: str) -> AsyncIterator[ServedApi]:
    """Serve the API for the time of the block."""
    async with open_database(database_url) as database:
        bus = RecordingBus()
        runtime = Runtime(bus, database, Telemetry(), asyncio.Event())
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        start = partial(serve, settings=ApiSettings(port=0), on_listening=listening.set_result)
        async with serving(runtime, start):
            url = await asyncio.wait_for(listening, timeout=10)
            async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=15) as client:
                yield ServedApi(client, runtime, bus)
