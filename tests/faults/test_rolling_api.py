"""The API of another version takes over under load: every call is answered, every write happens once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from api.access import tokens
from api.access.principal import Scope
from tests.servers.ports import free_ports
from tests.support.deployment.newer_build import start_of
from tests.support.running.pipelines import dedup, has_rows, persister, pipeline, rows
from tests.support.running.processes import sniper
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

ENOUGH: Final = 20
"""Writes of each kind before something changes, and after."""


@dataclass
class Users:
    """Who reads and writes without a pause, at the address that is in use."""

    token: str
    url: str
    limits: list[Decimal] = field(default_factory=list)
    """What was set, in turn."""
    injected: list[str] = field(default_factory=list)
    read: int = 0
    asked: Counter[str] = field(default_factory=Counter)
    """How many calls have not been answered yet, by address."""

    async def call(self, method: str, path: str, *, body: Any = None, **headers: str) -> httpx.Response:
        """Return an answer that is none of a failure; a connection that is cut is one, too."""
        signed, url = {"Authorization": f"Bearer {self.token}", **headers}, self.url
        self.asked[url] += 1
        async with httpx.AsyncClient(base_url=url, trust_env=False, verify=False, timeout=20, headers=signed) as client:
            answer = await client.request(method, path, json=body)
        self.asked[url] -= 1
        return answer.raise_for_status()

    async def configure(self) -> None:
        """Set a limit, over the version that was read before."""
        tag = (await self.call("GET", "/config")).headers["ETag"]
        wanted = Decimal(50) + Decimal(len(self.limits)) / 100
        await self.call("PUT", "/config", body={"max_trade_usdt": str(wanted)}, **{"If-Match": tag})
        self.limits.append(wanted)

    async def inject(self) -> None:
        symbol = f"ROLL{len(self.injected)}USDT"
        await self.call("POST", "/listings", body={"symbol": symbol})
        self.injected.append(symbol)

    async def look(self) -> None:
        await self.call("GET", "/listings")
        self.read += 1

    async def more(self) -> None:
        """Return once that much more was done."""
        limits, injected = len(self.limits) + ENOUGH, len(self.injected) + ENOUGH
        await eventually(lambda: len(self.limits) >= limits and len(self.injected) >= injected, within_seconds=60)


@asynccontextmanager
async def busy(users: Users) -> AsyncIterator[None]:
    """Have them at work for the time of the block; what one is about is finished."""
    enough = asyncio.Event()

    async def go_on(act: Any) -> None:
        while not enough.is_set():
            await act()

    async with asyncio.TaskGroup() as tasks:
        for act in (users.configure, users.inject, users.look):
            tasks.create_task(go_on(act))
        yield
        enough.set()


@pytest.mark.parametrize("newer_comes", [True, False])
async def test_every_call_is_answered_and_every_write_happens_once_while_one_api_takes_over_from_another(
    database_url: str, broker_url: str, newer: Path, tmp_path: Path, newer_comes: bool
) -> None:
    before, after = (tmp_path, newer) if newer_comes else (newer, tmp_path)
    ports = free_ports(2)
    async with AsyncExitStack() as running:
        runtime = await running.enter_async_context(pipeline(database_url, broker_url, dedup, persister))
        token = await tokens.create(runtime.database, "users", Scope.OPERATE, created_by="test")

        async def start(build: Path, port: int) -> Any:
            environment = {"SNIPER_DATABASE_URL": database_url, "SNIPER_BROKER_URL": broker_url}
            own = environment | {"SNIPER_API_PORT": str(port), "SNIPER_API_REQUESTS_PER_MINUTE": "1000000"}
            started = await running.enter_async_context(
                sniper("run", "api", environment=own, directory=build, start=start_of(build))
            )
            await started.ready()
            return started

        old = await start(before, ports[0])
        users = Users(token, f"http://127.0.0.1:{ports[0]}")
        async with busy(users):
            await users.more()
            new = await start(after, ports[1])
            # As a Service does: what is asked from now on goes to the new one. The old one is ended, as after its
            # preStop, once what was on its way to it has arrived: a connection without a request is simply closed.
            before_url, users.url = users.url, f"http://127.0.0.1:{ports[1]}"
            await eventually(lambda: not users.asked[before_url], within_seconds=20)
            codes = [await old.stop(within_seconds=30)]
            await users.more()
        await eventually(partial(has_rows, runtime, "listings", len(users.injected)), within_seconds=60)
        changes = await rows(runtime, "SELECT after ->> 'max_trade_usdt' AS set FROM trade_config_audit ORDER BY id")
        listings = await rows(runtime, "SELECT symbol FROM listings")
        codes.append(await new.stop(within_seconds=30))

    assert codes == [0, 0]
    assert [Decimal(row["set"]) for row in changes] == users.limits
    assert sorted(row["symbol"] for row in listings) == sorted(users.injected)
    assert users.read > 0
