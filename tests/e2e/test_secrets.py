"""No secret stands in any output of a process, whatever the request and whatever fails."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.access import tokens
from api.access.principal import Scope
from api.dashboard.files import FOLDER
from shared.postgres.database import Database
from tests.servers.ports import free_ports
from tests.support.running.api_document import document, operations_of
from tests.support.running.processes import Sniper, sniper
from tests.support.running.services import open_database
from tests.support.running.signing_in import signed_in_to
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.support.running.starting import executed
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(120)

API_KEY = "mx-c4n4ry-key-0123456789"
API_SECRET = "c4n4ry-secret-0123456789abcdef"
PASSWORD = "c4n4ry-passw0rd"
SYMBOL = "CANARYUSDT"
BESIDE = ("/openapi.json", "/sign-in", "/sign-in.css", "/")
"""What is answered and not described."""
FIRST = {"hello", "listing", "health", "status"}
"""What comes on the stream at once where a listing was stored."""
ODD = """
INSERT INTO bot_health (component_name, status, updated_at, facts) VALUES ('odd', 'running', now(), '["of no name"]')
"""


@asynccontextmanager
async def trading_process(
    database_url: str, simulator: SimulatorProcess, directory: Path
) -> AsyncIterator[tuple[Sniper, str]]:
    """Run everything in one process with secrets in each setting that takes one; yield it and the API's URL."""
    [port] = free_ports(1)
    environment = {
        "SNIPER_DATABASE_URL": database_url.replace("postgres@", f"postgres:{PASSWORD}@"),
        "SNIPER_MEXC_REST_URL": simulator.rest_url,
        "SNIPER_MEXC_WS_URL": simulator.ws_url,
        "SNIPER_MEXC_API_KEY": API_KEY,
        "SNIPER_MEXC_API_SECRET": API_SECRET,
        "SNIPER_API_PORT": str(port),
        "SNIPER_LOG_LEVEL": "debug",
        "SNIPER_LOG_FORMAT": "json",
    }
    async with sniper(
        "up", "--exchange", "mexc", environment=environment, directory=directory, start=executed
    ) as process:
        await process.ready()
        yield process, f"http://127.0.0.1:{port}"


def misplaced(token: str) -> Sequence[dict[str, Any]]:
    """Return requests with a token wherever a user might put it by mistake."""
    return [
        {"url": f"/{token}"},
        {"url": f"/listings/{token}"},
        {"url": "/listings", "params": {"token": token}},
        {"url": "/listings", "params": {token: "1"}},
        {"url": "/listings", "params": {"source": token}},
        {"url": "/trades", "params": {"symbol": token, "limit": token}},
        {"url": "/sign-in", "params": {"link": token}},
        {"url": "/config", "headers": {"Authorization": token}},
        {"url": "/config", "headers": {"Authorization": f"Bearer {token}x"}},
        {"url": "/config", "headers": {"Cookie": f"sniper_session={token}"}},
        {"url": "/config", "headers": {"Host": token[:40]}},
        {"url": "/config", "headers": {"X-Request-Id": token}},
        {"url": "/session", "method": "POST", "json": {"token": f"{token}x"}},
        {"url": "/session", "method": "POST", "json": {token: token}},
        {"url": "/session", "method": "POST", "content": token},
        {"url": "/session", "method": "POST", "headers": {"Origin": f"http://{token}"}},
        {"url": "/config", "method": "PUT", "json": {token: token, "max_trade_usdt": token}},
        {"url": "/config", "method": token.partition(".")[0]},
    ]


def reading() -> Sequence[str]:
    """Return every path that the API describes and GET answers, and the page with its files, but for the stream."""
    described = [each.path for each in operations_of(document()) if each.method == "GET" and each.path != "/events"]
    files = [f"/dashboard/{file.name}" for file in sorted(FOLDER.iterdir())]
    return [*(re.sub(r"{\w+}", SYMBOL, path) for path in described), *BESIDE, *files]


async def first_frames(api: httpx.AsyncClient, token: str) -> str:
    """Return what the stream begins with: what was stored, and states."""
    kinds, lines = set[str](), list[str]()
    headers = {"Authorization": f"Bearer {token}"}
    async with asyncio.timeout(20), api.stream("GET", "/events", params={"after": 0}, headers=headers) as stream:
        async for line in stream.aiter_lines():
            lines.append(line)
            kinds.add(line.removeprefix("event: "))
            if kinds >= FIRST:
                break
    return "\n".join(lines)


async def ask_everything(api: httpx.AsyncClient, token: str) -> str:
    """Return all that is answered, to right requests and wrong ones, with and without the token where it belongs."""
    right: list[dict[str, Any]] = [{"url": path} for path in reading()]
    answers = []
    for request in [*right, *misplaced(token)]:
        for authorization in ({}, {"Authorization": f"Bearer {token}"}):
            headers = {**authorization, **request.get("headers", {})}
            answer = await api.request(**{"method": "GET", **request, "headers": headers})
            answers.append(f"{answer.status_code} {dict(answer.headers)} {answer.text}")
    assert sum(answer.startswith("200") for answer in answers) > len(right)
    assert any(answer.startswith("422") for answer in answers)
    return "\n".join(answers)


async def break_the_health(database: Database, api: httpx.AsyncClient, token: str) -> str:
    """Return the answer to a request that fails with a traceback in the log."""
    async with database.connection() as connection:
        await connection.execute(ODD)
        answer = await api.get("/health", headers={"Authorization": f"Bearer {token}"})
        await connection.execute("DELETE FROM bot_health WHERE component_name = 'odd'")
    assert answer.status_code == 500
    return answer.text


async def test_canaries_come_out_nowhere(database_url: str, tmp_path: Path) -> None:
    async with running_simulator() as simulator, open_database(database_url) as database:
        token = await tokens.create(database, "canary", Scope.OPERATE, created_by="cli:test")
        async with trading_process(database_url, simulator, tmp_path) as (process, url):
            async with signed_in_to(process) as browser:
                [session] = [cookie.value for cookie in browser.cookies.jar]
                own = (await browser.get("/config")).text
            await simulator.list_coin(SYMBOL)
            await eventually(lambda: SYMBOL in process.log.read_text(), within_seconds=20)
            async with httpx.AsyncClient(base_url=url, trust_env=False, verify=False, timeout=10) as api:
                frames = await first_frames(api, token)
                answers = await ask_everything(api, token) + await break_the_health(database, api, token) + own
            told = [(await process.get(path)).text for path in ("/metrics", "/livez", "/readyz")]
            await process.stop()
        async with database.connection() as connection:
            audited = str([dict(row) for row in await connection.fetch("SELECT * FROM api_tokens")])

    log = process.log.read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert [line for line in lines if "ValidationError" in line.get("exception", "")]
    assert "sniper_api_request_seconds" in told[0]
    assert session is not None
    secret = token.partition(".")[2]
    for place, text in {
        "answers": answers,
        "stream": frames,
        "log": log,
        "metrics": "".join(told),
        "rows": audited,
    }.items():
        for canary in (secret, API_KEY, API_SECRET, PASSWORD, session.partition(".")[2]):
            assert canary not in text, f"{canary} in {place}"


async def test_a_start_that_fails_shows_no_secret_either(tmp_path: Path) -> None:
    [closed] = free_ports(1)
    environment = {
        "SNIPER_DATABASE_URL": f"postgresql://user:{PASSWORD}@127.0.0.1:{closed}/db",
        "SNIPER_BROKER_URL": f"amqp://guest:{PASSWORD}@127.0.0.1:{closed}/",
        "SNIPER_MEXC_API_SECRET": API_SECRET,
        "SNIPER_LOG_LEVEL": "debug",
    }
    async with sniper("run", "persister", environment=environment, directory=tmp_path, start=executed) as process:
        await eventually(lambda: "waiting" in process.log.read_text(), within_seconds=20)
        await asyncio.wait_for(process.stop(), timeout=10)

    assert "c4n4ry" not in process.log.read_text()
