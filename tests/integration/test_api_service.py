import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

import migrations
from api.service import serve
from api.settings import ApiSettings
from shared.errors import SettingsError
from shared.events import Health
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from shared.wire.cloudevents import decode
from tests.servers.postgres import PrivatePostgres
from tests.support.fakes.fakes import RecordingBus
from tests.support.running.services import open_database
from tests.support.running.serving_api import ServedApi, serving_api
from tests.waiting import eventually

STOP_SECONDS_MAX = 8
"""On a busy machine. Without a limit the end of what hangs is waited for, which does not come."""


@pytest.fixture
async def runtime(database_url: str) -> AsyncIterator[Runtime]:
    async with open_database(database_url) as database:
        yield Runtime(RecordingBus(), database, Telemetry(), asyncio.Event())


def address(api: ServedApi) -> tuple[str, int]:
    url = api.client.base_url
    assert url.port is not None
    return url.host, url.port


async def test_open_connections_do_not_hold_up_the_end(database_url: str) -> None:
    async with serving_api(database_url) as api:
        await api.client.get("/config")  # Its connection is kept alive.
        _, silent = await asyncio.open_connection(*address(api))
        _, halfway = await asyncio.open_connection(*address(api))
        halfway.write(b"GET /config HTTP/1.1\r\n")
        await halfway.drain()
        began = time.monotonic()
        api.runtime.stop.set()

        await eventually(lambda: said(api.bus)[-1] == "stopped")

        assert time.monotonic() - began < STOP_SECONDS_MAX
        for writer in (silent, halfway):
            writer.close()


async def test_after_the_end_nobody_listens(database_url: str) -> None:
    async with serving_api(database_url) as api:
        url = str(api.client.base_url)

    async with httpx.AsyncClient(trust_env=False, verify=False) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get(url)


async def test_cancelled_it_leaves_nothing_open(runtime: Runtime) -> None:
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(serve(runtime, ApiSettings(port=0), on_listening=listening.set_result))
    async with httpx.AsyncClient(base_url=await listening, trust_env=False, verify=False) as client:
        await client.get("/config")
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(httpx.ConnectError):
            await client.get("/config")


async def test_a_port_in_use_is_a_bad_setting(runtime: Runtime) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with pytest.raises(SettingsError, match=f"^SNIPER_API_PORT: cannot listen on 127.0.0.1:{port}: "):
            await serve(runtime, ApiSettings(port=port))


async def test_an_address_that_is_not_ours_is_a_bad_setting(runtime: Runtime) -> None:
    with pytest.raises(SettingsError, match=r"^SNIPER_API_HOST: cannot listen on 192\.0\.2\.1:0: "):
        await serve(runtime, ApiSettings(host="192.0.2.1", port=0))


async def test_it_is_ready_while_it_answers(database_url: str) -> None:
    async with serving_api(database_url) as api:
        assert api.runtime.telemetry.not_ready() == []

        api.runtime.stop.set()

        assert api.runtime.telemetry.not_ready() == ["api"]


async def test_it_reports_its_health(database_url: str) -> None:
    async with serving_api(database_url) as api:
        await eventually(lambda: said(api.bus) == ["running"])

    assert said(api.bus) == ["running", "stopped"]


async def test_a_database_that_is_away_is_a_503_until_it_is_back(
    private_postgres: Callable[[], PrivatePostgres],
) -> None:
    server = private_postgres()
    await asyncio.to_thread(migrations.upgrade, server.url)
    async with serving_api(server.url) as api:
        await asyncio.to_thread(server.stop)

        for path in ("/health", "/listings", "/trades", "/config"):
            answer = await api.client.get(path)
            assert answer.status_code == 503, path
            assert answer.json() == {
                "code": "database_away",
                "message": "the database is away, try again",
                "details": {},
            }
            assert answer.headers["Retry-After"] == "5"

        await asyncio.to_thread(server.start)
        await eventually(lambda: answers(api))


async def test_a_database_that_hangs_is_a_503_within_seconds(private_postgres: Callable[[], PrivatePostgres]) -> None:
    server = private_postgres()
    await asyncio.to_thread(migrations.upgrade, server.url)
    async with serving_api(server.url) as api:
        await api.client.get("/health")
        server.freeze()
        began = time.monotonic()
        answer = await api.client.get("/health")
        server.thaw()

        assert answer.status_code == 503
        assert time.monotonic() - began < 10
        await eventually(lambda: answers(api))


async def test_a_request_that_hangs_does_not_hold_up_the_end(private_postgres: Callable[[], PrivatePostgres]) -> None:
    server = private_postgres()
    await asyncio.to_thread(migrations.upgrade, server.url)
    async with serving_api(server.url) as api, asyncio.TaskGroup() as tasks:
        await api.client.get("/health")
        idle = api.database.pool.get_idle_size()
        server.freeze()
        hanging = tasks.create_task(api.client.get("/health"), name="request")
        await eventually(lambda: api.database.pool.get_idle_size() < idle)
        began = time.monotonic()
        api.runtime.stop.set()

        await eventually(lambda: said(api.bus)[-1] == "stopped")

        assert time.monotonic() - began < STOP_SECONDS_MAX
        assert (await hanging).json()["code"] == "stopping"
        server.thaw()


async def answers(api: ServedApi) -> bool:
    return (await api.client.get("/health")).status_code == 200


def said(bus: RecordingBus) -> list[str]:
    events = [decode(message.body) for message in bus.published]
    return [event.status for event in events if isinstance(event, Health) and event.component == "api"]


@pytest.mark.parametrize("path", ["/health", "/listings", "/trades", "/orders", "/positions", "/config"])
async def test_head_answers_as_get_without_a_body(database_url: str, path: str) -> None:
    async with serving_api(database_url) as api:
        full, bare = await api.client.get(path), await api.client.head(path)

    assert (bare.status_code, bare.headers["content-type"]) == (full.status_code, full.headers["content-type"])
    assert bare.content == b""
