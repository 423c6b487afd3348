"""Shutdown order of several services in one process."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any, Never, cast

import pytest

from cli.composing.services import Serve
from cli.composing.up import run_services
from shared.bus.port import Bus
from shared.errors import SniperError, TransientError
from shared.postgres.database import Database
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry


class AwayDatabase:
    @asynccontextmanager
    async def connection(self) -> Any:
        raise TransientError("database away")
        yield


@pytest.fixture
def runtime() -> Runtime:
    return Runtime(cast("Bus", None), cast("Database", AwayDatabase()), Telemetry(), asyncio.Event())


def until_stopped(name: str, ended: list[str]) -> Serve:
    async def serve(runtime: Runtime, _: object) -> None:
        try:
            await runtime.stop.wait()
            await asyncio.sleep(0)  # Work in progress takes its time.
        finally:
            ended.append(name)

    return serve


async def test_the_persister_ends_after_all_others(runtime: Runtime) -> None:
    ended: list[str] = []
    chosen = {name: until_stopped(name, ended) for name in ("persister", "executor", "ingest")}
    asyncio.get_running_loop().call_soon(runtime.stop.set)

    await run_services(chosen, runtime)

    assert ended == ["executor", "ingest", "persister"]


async def test_a_service_that_fails_ends_all_of_them(runtime: Runtime) -> None:
    ended: list[str] = []

    async def fails(*_: object) -> Never:
        raise SniperError("no way")

    with pytest.raises(BaseExceptionGroup) as raised:
        await run_services({"persister": until_stopped("persister", ended), "dedup": fails}, runtime)

    assert raised.group_contains(SniperError, match="no way")
    assert ended == ["persister"]


async def test_a_notifier_that_fails_ends_nobody_else(runtime: Runtime) -> None:
    ended: list[str] = []

    async def fails(*_: object) -> Never:
        asyncio.get_running_loop().call_later(0.05, runtime.stop.set)
        raise SniperError("Telegram answers 429")

    await run_services({"executor": until_stopped("executor", ended), "notifier": fails}, runtime)

    assert ended == ["executor"]
    assert runtime.stop.is_set()
