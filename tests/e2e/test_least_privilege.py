"""Every service in a process of its own, under its own user of the broker and its own role of the database."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from tests.servers.ports import free_ports
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.deployment.broker_users import Users, set_up
from tests.support.deployment.database_roles import Roles
from tests.support.deployment.database_roles import set_up as set_up_roles
from tests.support.running.processes import sniper
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

COMPOSITIONS = {
    "normal": ("persister", "dedup", "executor", "ingest", "api", "notifier"),
    "express": ("persister", "dedup", "express", "api", "notifier"),
}
COMPONENTS = {*COMPOSITIONS["normal"], "exits"}
"""Which tell of their health, in one composition as in the other."""
READINGS = (
    *("/config", "/config/history", "/health", "/listings", "/listings/stats", "/listings/FENCEDUSDT", "/monitor"),
    *("/orders", "/positions", "/results", "/status", "/trades", "/trades/stats", "/upcoming"),
    *("/history", "/positions/closed", "/trades/stats/latency", "/unplaced"),
)


@pytest.fixture
def users(rabbitmq_server: RabbitMQServer, tmp_path: Path) -> Iterator[Users]:
    passwords = tmp_path / "passwords"
    passwords.mkdir()
    with set_up(rabbitmq_server, passwords) as users:
        yield users


@pytest.fixture
async def roles(database_url: str) -> AsyncIterator[Roles]:
    async with set_up_roles(database_url) as roles:
        yield roles


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatorProcess]:
    async with running_simulator() as running:
        yield running


@pytest.mark.parametrize("composition", COMPOSITIONS)
async def test_a_coin_is_listed_stored_bought_and_sold_by_services_with_no_more_rights_than_they_need(
    users: Users, roles: Roles, simulator: SimulatorProcess, tmp_path: Path, composition: str
) -> None:
    [api_port] = free_ports(1)
    environment = {
        "SNIPER_MEXC_API_KEY": simulator.api_key,
        "SNIPER_MEXC_API_SECRET": simulator.api_secret,
        "SNIPER_MEXC_REST_URL": simulator.rest_url,
        "SNIPER_MEXC_WS_URL": simulator.ws_url,
        "SNIPER_EXECUTOR_EXIT_CHECK_SECONDS": "0.2",
        "SNIPER_API_PORT": str(api_port),
    }
    async with AsyncExitStack() as running:
        rows = await asyncpg.connect(roles.owner_url)
        running.push_async_callback(rows.close)
        for name in COMPOSITIONS[composition]:
            own = environment | {"SNIPER_BROKER_URL": users.url(name), "SNIPER_DATABASE_URL": roles.url(name)}
            service = await running.enter_async_context(sniper("run", name, environment=own, directory=tmp_path))
            await eventually(service.is_ready, within_seconds=60, every_seconds=0.1)
        operator = {"SNIPER_DATABASE_URL": roles.url("api")}
        await simulator.list_coin("FENCEDUSDT", price="1", swing=0)

        async def is_traded(side: str) -> bool:
            query = "SELECT count(*) FROM trades WHERE symbol = 'FENCEDUSDT' AND side = $1 AND status = 'filled'"
            return bool(await rows.fetchval(query, side))

        async def are_all_well() -> bool:
            found = await rows.fetch("SELECT component_name FROM bot_health WHERE status = 'running'")
            return {row["component_name"] for row in found} >= COMPONENTS

        await eventually(lambda: is_traded("BUY"), within_seconds=60, every_seconds=0.1)
        await said(operator, tmp_path, "close", "FENCEDUSDT")
        await eventually(lambda: is_traded("SELL"), within_seconds=60, every_seconds=0.1)
        await eventually(are_all_well, within_seconds=60, every_seconds=0.1)
        assert await rows.fetchval("SELECT count(*) FROM listings WHERE symbol = 'FENCEDUSDT'") == 1
        await said(operator, tmp_path, "halt", "enough")
        assert await rows.fetchval("SELECT halted FROM trade_config")
        await said(operator, tmp_path, "config", "set", "max_trade_usdt", "50")
        words = (await said(operator, tmp_path, "token", "create", "mine")).split()
        [token] = [word for word in words if word.startswith("snt_")]
        answers = await read_all(api_port, token)
    assert {path: status for path, status in answers.items() if status != 200} == {}


async def said(operator: Mapping[str, str], directory: Path, *command: str) -> str:
    """Run a command as an operator would, under the role of the API; return what it said."""
    async with sniper(*command, environment=operator, directory=directory) as running:
        code = await running.process.wait()
        text = running.log.read_text()
    assert code == 0, text
    return text


async def read_all(port: int, token: str) -> Mapping[str, Any]:
    """Return the status of each reading by its path."""
    headers = {"Authorization": f"Bearer {token}"}
    base_url = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(
        base_url=base_url, headers=headers, trust_env=False, verify=False, timeout=20
    ) as client:
        return {path: (await client.get(path)).status_code for path in READINGS}
