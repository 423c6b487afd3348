"""How much memory the API takes as a process of its own, after it has answered every kind of request."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import httpx
import psutil

from api.access import tokens
from api.access.principal import Scope
from tests.servers.ports import free_ports
from tests.support.data.rows import store
from tests.support.running.api_document import Operation, document, operations_of
from tests.support.running.processes import sniper
from tests.support.running.services import open_database
from tests.support.running.simulators import plain_http
from tests.support.running.starting import executed

BYTES_MAX: Final = 100_000_000
ROUNDS: Final = 3
STORED: Final = ("listings", "trades", "orders", "positions", "bot_health", "trade_config_audit", "halts")
KNOWN: Final = {"symbol": "ABCUSDT", "client_order_id": "sniper-ABCUSDT-1", "position_id": "1"}
BODIES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "PUT /config": {"max_trade_usdt": "50", "take_profit_ladder": [{"at_pct": "30", "sell_pct": "50"}]},
        "POST /listings": {"symbol": "TESTUSDT"},
        "POST /positions/{position_id}/write-off": {"reason": "gone"},
        "PATCH /positions/{position_id}": {"stop_loss_pct": "10"},
        "POST /orders/{client_order_id}/settle": {"base_qty": "1", "cost": "1", "reason": "seen there"},
        "POST /session": {"token": "none"},
    }
)
STREAM: Final = "GET /events"
OTHERS: Final = ("/", "/dashboard/app.js", "/openapi.json", "/sign-in", "/nothing", "/listings?limit=x")
CSV: Final = ("/trades", "/orders", "/positions")


async def test_the_api_takes_less_than_a_hundred_megabytes(database_url: str, broker_url: str, tmp_path: Path) -> None:
    [port] = free_ports(1)
    environment = {
        "SNIPER_DATABASE_URL": database_url,
        "SNIPER_BROKER_URL": broker_url,
        "SNIPER_API_PORT": str(port),
    }
    async with open_database(database_url) as database:
        token = await tokens.create(database, "memory", Scope.OPERATE, created_by="test")
        async with database.engine.begin() as connection:
            for table in STORED:
                await store(connection, table)
    async with sniper("run", "api", environment=environment, directory=tmp_path, start=executed) as running:
        await running.ready()
        process = psutil.Process(running.process.pid)
        idle = process.memory_info().rss
        async with plain_http(f"http://127.0.0.1:{port}") as client:
            client.headers["Authorization"] = f"Bearer {token}"
            for _ in range(ROUNDS):
                await ask_everything(client)
        memory = process.memory_full_info()

    print(f"idle {idle / 1e6:.1f} MB, rss {memory.rss / 1e6:.1f} MB, pss {memory.pss / 1e6:.1f} MB")  # noqa: T201 - the figures of a run
    assert memory.rss < BYTES_MAX


async def ask_everything(client: httpx.AsyncClient) -> None:
    """Make every request of the description, and those beside it."""
    for operation in operations_of(document()):
        status = await asked(client, operation)
        assert status < 500, operation
        assert status not in {404, 405, 422, 428, 429}, operation
    for path in OTHERS:
        assert (await client.get(path)).status_code < 500, path
    for path in CSV:
        assert (await client.get(path, headers={"Accept": "text/csv"})).status_code == 200, path


async def asked(client: httpx.AsyncClient, operation: Operation) -> int:
    path = re.sub(r"{(\w+)}", lambda name: KNOWN[name[1]], operation.path)
    headers = {"If-Match": (await client.get("/config")).headers["etag"]} if operation.path == "/config" else {}
    body = BODIES.get(str(operation), {}) if operation.method in {"POST", "PUT", "PATCH"} else None
    async with client.stream(operation.method, path, json=body, headers=headers) as answer:
        if str(operation) == STREAM:
            await anext(answer.aiter_bytes())
        else:
            await answer.aread()
        return answer.status_code
