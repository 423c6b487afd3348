"""What keeps something alive goes on after an error that nobody thought of: ended, it would be missed by nobody."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from cli.database import schema
from ingest.output.canary_sender import sending_canaries
from shared.bus.port import Message
from shared.postgres import reachability, stored_rate_usage
from shared.postgres.database import Database
from shared.postgres.embedded import server
from shared.postgres.embedded.lease import ServerLease
from shared.postgres.embedded.server import EmbeddedServer
from shared.postgres.stored_rate_usage import Usage
from shared.process import heartbeat as heartbeats
from shared.process.heartbeat import Component, heartbeat
from tests.support.fakes.fakes import RecordingBus
from tests.waiting import eventually

QUICK_SECONDS = 0.01


class FailingOnce:
    """Fails the first time in a way of its own, and counts."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1
        if self.times == 1:
            raise AttributeError("unforeseen")


class FailingBus(RecordingBus):
    def __init__(self, fails: Callable[[], None]) -> None:
        super().__init__()
        self._fails = fails

    async def publish(self, message: Message, /) -> None:
        self._fails()
        await super().publish(message)


class FailingDatabase:
    """Answers, but for errors that are no outage."""

    def __init__(self, fails: Callable[[], None]) -> None:
        self._fails = fails

    async def answers(self) -> bool:
        self._fails()
        return True

    def connection(self) -> AbstractAsyncContextManager[object]:
        raise AttributeError("unforeseen")


class FailingLimiter:
    """Does not tell its use."""

    def __init__(self, fails: Callable[[], None]) -> None:
        self.refused = asyncio.Event()
        self.refused.set()
        self._fails = fails

    def usage(self) -> Usage:
        self._fails()
        return Usage({"a": 7})

    def presumed(self) -> Usage:
        return Usage({})

    def resume(self, before: Usage | None) -> None:
        pass


async def test_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeats, "HEARTBEAT_SECONDS", QUICK_SECONDS)
    bus = FailingBus(FailingOnce())
    async with heartbeat(Component("dedup"), bus):
        await eventually(lambda: bus.published)


async def test_last_heartbeat_does_not_hide_why_a_service_failed() -> None:
    def fail() -> None:
        raise AttributeError("unforeseen")

    with pytest.raises(KeyError):
        async with heartbeat(Component("dedup"), FailingBus(fail)):
            raise KeyError("service")


async def test_canaries() -> None:
    bus, registry = FailingBus(FailingOnce()), CollectorRegistry()
    async with sending_canaries(bus, registry, every_seconds=QUICK_SECONDS, watches=lambda: True):
        await eventually(lambda: bus.published)
    assert registry.get_sample_value("sniper_ingest_canaries_total", {"result": "failed"}) == 1


async def test_reachability_of_the_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reachability, "WATCH_SECONDS", QUICK_SECONDS)
    fails, seen = FailingOnce(), []

    def failing() -> None:
        seen.append(watch.reachable)
        fails()

    database = cast("Database", FailingDatabase(failing))
    async with reachability.watching_reachability(database) as watch:
        await eventually(lambda: len(seen) >= 3)
    assert seen[:3] == [True, False, True]


async def test_use_of_the_rate_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[Usage] = []

    async def store(_: Database, __: str, usage: Usage) -> bool:
        stored.append(usage)
        return True

    async def read(*_: object) -> None:
        return None

    monkeypatch.setattr(stored_rate_usage, "STORE_SECONDS", QUICK_SECONDS)
    monkeypatch.setattr(stored_rate_usage, "_store", store)
    monkeypatch.setattr(stored_rate_usage, "_read", read)
    fails = FailingOnce()
    async with stored_rate_usage.persisted_usage(cast("Database", None), "executor", FailingLimiter(fails)):
        await eventually(lambda: Usage({"a": 7}) in stored)
    assert fails.times >= 2


async def test_watch_of_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    fails = FailingOnce()

    async def look(_: schema.SchemaWatch, __: Database) -> None:
        fails()

    monkeypatch.setattr(schema, "WATCH_SECONDS", QUICK_SECONDS)
    monkeypatch.setattr(schema.SchemaWatch, "look", look)
    async with schema.watch_schema(cast("Database", None)):
        await eventually(lambda: fails.times >= 3)


@pytest.mark.parametrize("failing", ["is_running", "start"])
async def test_supervision_of_our_own_database(failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[bool] = []
    fails = FailingOnce()

    class Server(EmbeddedServer):
        def is_running(self) -> bool:
            if failing == "is_running":
                fails()
            return bool(started)

        def start(self) -> None:
            if failing == "start":
                fails()
            started.append(True)

    monkeypatch.setattr(server, "RESTART_SECONDS_MAX", QUICK_SECONDS)
    supervising = asyncio.create_task(Server(tmp_path, cast("ServerLease", None)).supervise())
    try:
        await eventually(lambda: started)
    finally:
        supervising.cancel()
        await asyncio.wait([supervising])
