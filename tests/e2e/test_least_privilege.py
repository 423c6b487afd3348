"""Every service in a process of its own, under its own user of a broker that an operator has set up."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from tests.broker_users import Users, set_up
from tests.processes import sniper
from tests.servers.ports import free_ports
from tests.servers.rabbitmq import RabbitMQServer
from tests.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(240)

SERVICES = ("persister", "dedup", "executor", "ingest", "api")


@pytest.fixture
def users(rabbitmq_server: RabbitMQServer, tmp_path: Path) -> Iterator[Users]:
    passwords = tmp_path / "passwords"
    passwords.mkdir()
    with set_up(rabbitmq_server, passwords) as users:
        yield users


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatorProcess]:
    async with running_simulator() as running:
        yield running


async def test_a_coin_is_listed_stored_and_bought_by_services_with_no_more_rights_than_they_need(
    users: Users, simulator: SimulatorProcess, database_url: str, tmp_path: Path
) -> None:
    [api_port] = free_ports(1)
    environment = {
        "SNIPER_DATABASE_URL": database_url,
        "SNIPER_MEXC_API_KEY": simulator.api_key,
        "SNIPER_MEXC_API_SECRET": simulator.api_secret,
        "SNIPER_MEXC_REST_URL": simulator.rest_url,
        "SNIPER_MEXC_WS_URL": simulator.ws_url,
        "SNIPER_API_PORT": str(api_port),
    }
    async with AsyncExitStack() as running:
        rows = await asyncpg.connect(database_url)
        running.push_async_callback(rows.close)
        for name in SERVICES:
            own = environment | {"SNIPER_BROKER_URL": users.url(name)}
            service = await running.enter_async_context(sniper("run", name, environment=own, directory=tmp_path))
            await eventually(service.is_ready, within_seconds=60, every_seconds=0.1)
        await simulator.list_coin("FENCEDUSDT")

        async def is_traded() -> bool:
            return bool(await rows.fetchval("SELECT count(*) FROM trades WHERE symbol = 'FENCEDUSDT'"))

        async def are_all_well() -> bool:
            found = await rows.fetch("SELECT component_name FROM bot_health WHERE status = 'running'")
            return {*SERVICES, "exits"} <= {row["component_name"] for row in found}

        await eventually(is_traded, within_seconds=60, every_seconds=0.1)
        await eventually(are_all_well, within_seconds=60, every_seconds=0.1)
        assert await rows.fetchval("SELECT count(*) FROM listings WHERE symbol = 'FENCEDUSDT'") == 1
