"""The API as it is served, on a database of a test and a free port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx
from fastapi import FastAPI

from api.access import tokens
from api.access.principal import Scope
from api.access.tokens import RefusedTokenError
from api.app import create_app
from api.app_state import build_app_state
from api.server import Server, listen, url_of
from api.service import serve
from api.settings import ApiSettings
from shared.postgres.database import Database
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from tests.support.fakes.fakes import RecordingBus
from tests.support.running.services import open_database, serving

TOKEN_NAME: Final = "test"


@dataclass(frozen=True, slots=True)
class ServedApi:
    """A server that answers, and what it runs on."""

    client: httpx.AsyncClient
    """Has a token with the scope operate, called TOKEN_NAME."""
    runtime: Runtime
    bus: RecordingBus

    @property
    def database(self) -> Database:
        return self.runtime.database

    async def make_token(self, name: str, scope: Scope = Scope.VIEW) -> str:
        """Return the value of a new token."""
        return await tokens.create(self.database, name, scope, created_by="test")

    def stranger(self, **headers: str) -> httpx.AsyncClient:
        """Return a client without a token."""
        return httpx.AsyncClient(
            base_url=self.client.base_url, trust_env=False, verify=False, timeout=15, headers=headers
        )

    def bearer(self, value: str) -> httpx.AsyncClient:
        """Return a client with a token of this value."""
        return self.stranger(Authorization=f"Bearer {value}")


@asynccontextmanager
async def serving_api(database_url: str, **settings: Any) -> AsyncIterator[ServedApi]:
    """Serve the API for the time of the block; *settings* override those of the API."""
    chosen = ApiSettings.model_validate({"port": 0, **settings})
    async with _serving(database_url, partial(serve, settings=chosen)) as served:
        yield served


@asynccontextmanager
async def serving_app(
    database_url: str, extend: Callable[[FastAPI], None], **settings: Any
) -> AsyncIterator[ServedApi]:
    """Serve the API with routes of a test beside its own."""
    chosen = ApiSettings.model_validate({"port": 0, **settings})

    async def serve_extended(runtime: Runtime, *, on_listening: Callable[[str], None]) -> None:
        app = create_app(build_app_state(runtime), chosen)
        extend(app)
        listener = listen(chosen)
        started = partial(on_listening, url_of(listener, tls=False))
        await Server(app, runtime.stop, started, tls=None).run_on(listener)

    async with _serving(database_url, serve_extended) as served:
        yield served


@asynccontextmanager
async def _serving(database_url: str, start: Callable[..., Coroutine[None, None, None]]) -> AsyncIterator[ServedApi]:
    async with open_database(database_url) as database:
        bus = RecordingBus()
        runtime = Runtime(bus, database, Telemetry(), asyncio.Event())
        listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        async with serving(runtime, partial(start, on_listening=listening.set_result)):
            url = await asyncio.wait_for(listening, timeout=10)
            headers = {"Authorization": f"Bearer {await _operate_token(database)}"}
            async with httpx.AsyncClient(
                base_url=url, trust_env=False, verify=False, timeout=15, headers=headers
            ) as client:
                yield ServedApi(client, runtime, bus)


async def _operate_token(database: Database) -> str:
    """Return the value of a new token; one of before, of a server on the same database, is revoked."""
    with contextlib.suppress(RefusedTokenError):
        await tokens.revoke(database, TOKEN_NAME, revoked_by="test")
    return await tokens.create(database, TOKEN_NAME, Scope.OPERATE, created_by="test")
