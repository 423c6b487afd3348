"""How much memory the API takes as a process of its own, after it has answered every kind of question."""

from pathlib import Path

import psutil

from api.access import tokens
from api.access.principal import Scope
from tests.processes import sniper
from tests.servers.ports import free_ports
from tests.services import open_database
from tests.simulators import plain_http

BYTES_MAX = 100_000_000
LISTS = ("/listings", "/trades", "/orders", "/positions", "/listings/stats", "/trades/stats", "/results", "/upcoming")
STATES = ("/health", "/status", "/config", "/config/history", "/monitor", "/openapi.json", "/")


async def test_the_api_takes_less_than_a_hundred_megabytes(database_url: str, broker_url: str, tmp_path: Path) -> None:
    """Pages of libraries that other processes have in memory, too, count by their share: another machine has others."""
    [port] = free_ports(1)
    environment = {
        "SNIPER_DATABASE_URL": database_url,
        "SNIPER_BROKER_URL": broker_url,
        "SNIPER_API_PORT": str(port),
    }
    async with open_database(database_url) as database:
        token = await tokens.create(database, "memory", Scope.VIEW, created_by="test")
    async with sniper("run", "api", environment=environment, directory=tmp_path) as running:
        await running.ready()
        async with plain_http(f"http://127.0.0.1:{port}") as client:
            for path in (*LISTS, *STATES) * 3:
                answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
                assert answer.status_code == 200, path
        memory = psutil.Process(running.process.pid).memory_full_info()

    print(f"rss {memory.rss / 1e6:.1f} MB, pss {memory.pss / 1e6:.1f} MB")  # noqa: T201 - the figures of a run
    assert memory.pss < BYTES_MAX
