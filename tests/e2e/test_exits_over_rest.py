"""Exits that an operator changes over REST, carried out by processes of their own on a real broker and database."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.access import tokens
from api.access.principal import Scope
from shared.events import utc_now
from tests.servers.databases import PostgresServer
from tests.servers.ports import free_ports
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.running.processes import Sniper, cluster, sniper
from tests.support.running.services import open_database
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

SECONDS = 30
QUICK = {
    "SNIPER_EXECUTOR_EXIT_CHECK_SECONDS": "0.2",
    "SNIPER_EXECUTOR_KEY_WEIGHT_PER_10_SECONDS": "100000",
    "SNIPER_EXECUTOR_WEIGHT_PER_10_SECONDS": "100000",
    "SNIPER_EXECUTOR_REQUESTS_PER_SECOND": "1000",
    "SNIPER_EXECUTOR_KEY_REQUESTS_PER_SECOND": "1000",
}
# Nothing is sold by itself but for what a test sets.
CALM: dict[str, Any] = {
    "take_profit_pct": None,
    "take_profit_ladder": [],
    "stop_loss_pct": None,
    "trailing_stop_pct": None,
    "holding_seconds_max": None,
    "daily_loss_usdt_max": None,
}


@dataclass
class Operator:
    """User with a token, and the page they look at."""

    client: httpx.AsyncClient
    simulator: SimulatorProcess
    api: Sniper
    database_url: str

    async def config(self) -> dict[str, Any]:
        return dict((await self.client.get("/config")).raise_for_status().json())

    async def put(self, **changes: Any) -> dict[str, Any]:
        tag = (await self.client.get("/config")).headers["ETag"]
        answer = await self.client.put("/config", json=changes, headers={"If-Match": tag})
        return dict(answer.raise_for_status().json())

    async def bought(self, symbol: str) -> dict[str, Any]:
        """List a coin that costs a dollar; return the position once it was looked at."""
        await self.simulator.list_coin(symbol, price="1", swing=0)
        return await self.position(symbol, lambda each: each["stop_reference"] is not None)

    async def position(self, symbol: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the position of *symbol* once it is as *wanted*."""

        async def found() -> list[dict[str, Any]]:
            items = (await self.client.get("/positions", params={"symbol": symbol})).raise_for_status().json()["items"]
            return [each for each in items if wanted(each)]

        [each] = await eventually(found, within_seconds=SECONDS)
        return dict(each)

    async def closed(self, symbol: str) -> dict[str, Any]:
        return await self.position(symbol, lambda each: each["state"] == "closed")

    async def sales(self, symbol: str) -> list[str]:
        """Return why it was sold, oldest first."""
        parameters = {"symbol": symbol, "side": "SELL"}
        items = (await self.client.get("/orders", params=parameters)).raise_for_status().json()["items"]
        return [each["exit_reason"] for each in reversed(items)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def operator(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Operator]:
    """Every service in a process of its own, trading live on a simulated exchange."""
    [port] = free_ports(1)
    environment = {
        "SNIPER_DATABASE_URL": postgres_server.create_migrated_database(),
        "SNIPER_BROKER_URL": rabbitmq_server.url_for(rabbitmq_server.create_vhost()),
        "SNIPER_MEXC_API_KEY": SimulatorProcess.api_key,
        "SNIPER_MEXC_API_SECRET": SimulatorProcess.api_secret,
        "SNIPER_LIVE": "true",
        "SNIPER_API_PORT": str(port),
        **QUICK,
    }
    async with open_database(environment["SNIPER_DATABASE_URL"]) as database:
        token = await tokens.create(database, "e2e", Scope.OPERATE, created_by="test")
    directory = tmp_path_factory.mktemp("exits")
    async with running_simulator() as simulator:
        exchange = {"SNIPER_MEXC_REST_URL": simulator.rest_url, "SNIPER_MEXC_WS_URL": simulator.ws_url}
        headers = {"Authorization": f"Bearer {token}"}
        base_url = f"http://127.0.0.1:{port}"
        async with (
            cluster(environment | exchange, directory),
            sniper("run", "api", environment=environment | exchange, directory=directory) as api,
            httpx.AsyncClient(base_url=base_url, headers=headers, trust_env=False, verify=False, timeout=15) as client,
        ):
            await api.ready()
            opened = Operator(client, simulator, api, environment["SNIPER_DATABASE_URL"])
            await opened.put(**CALM, max_position_usdt=10_000, auto_trade=True, confirm="live")
            yield opened


async def test_a_stop_is_changed_and_sells_what_is_held_already(operator: Operator) -> None:
    await operator.bought("STOPUSDT")
    await operator.simulator.change_coin("STOPUSDT", price="0.93")
    await operator.put(**CALM | {"stop_loss_pct": 5})
    closed = await operator.closed("STOPUSDT")
    await operator.put(**CALM)

    assert await operator.sales("STOPUSDT") == ["stop_loss"]
    assert closed["mode"] == "live"
    assert Decimal(-15) < Decimal(closed["result_pct"]) < Decimal(-5)
    assert Decimal(closed["result_usdt"]) == pytest.approx(
        Decimal(closed["received_usdt"]) - Decimal(closed["paid"]), abs=Decimal("0.02")
    )


async def test_a_stop_of_its_own_sells_one_position_and_not_the_other(operator: Operator) -> None:
    own, other = await operator.bought("OWNUSDT"), await operator.bought("OTHERUSDT")
    for symbol in ("OWNUSDT", "OTHERUSDT"):
        await operator.simulator.change_coin(symbol, price="0.93")
    (await operator.client.patch(f"/positions/{own['id']}", json={"stop_loss_pct": 5})).raise_for_status()
    await operator.closed("OWNUSDT")

    assert await operator.sales("OTHERUSDT") == []
    (await operator.client.post(f"/positions/{other['id']}/close")).raise_for_status()
    await operator.closed("OTHERUSDT")
    assert await operator.sales("OTHERUSDT") == ["by_hand"]


async def test_a_ladder_sells_half_and_then_the_rest(operator: Operator) -> None:
    await operator.put(take_profit_ladder=[{"at_pct": 20, "sell_pct": 50}, {"at_pct": 60, "sell_pct": 50}])
    bought = await operator.bought("STEPUSDT")
    whole = Decimal(bought["base_qty"])
    await operator.simulator.change_coin("STEPUSDT", price="1.3")
    half = await operator.position("STEPUSDT", lambda each: Decimal(each["received_usdt"]) > 0)
    await operator.simulator.change_coin("STEPUSDT", price="1.8")
    closed = await operator.closed("STEPUSDT")
    await operator.put(**CALM)

    assert abs(Decimal(half["base_qty"]) - whole / 2) <= Decimal("0.01")
    assert await operator.sales("STEPUSDT") == ["take_profit_step", "take_profit_step"]
    assert Decimal(closed["result_pct"]) > 30


async def test_everything_is_halted_and_sold_in_one_call(operator: Operator) -> None:
    for symbol in ("ALLAUSDT", "ALLBUSDT"):
        await operator.bought(symbol)
    done = (await operator.client.post("/halt-and-close", json={"reason": "get out"})).raise_for_status().json()
    for symbol in ("ALLAUSDT", "ALLBUSDT"):
        await operator.closed(symbol)
    resumed = (await operator.client.post("/resume")).raise_for_status().json()

    assert (done["halted"], done["selling_all"]) == (True, True)
    assert (resumed["halted"], resumed["selling_all"]) == (False, False)


async def test_a_days_loss_halts_purchases(operator: Operator) -> None:
    await operator.put(daily_loss_usdt_max=5, stop_loss_pct=20)
    await operator.bought("LOSSUSDT")
    await operator.simulator.change_coin("LOSSUSDT", price="0.4")
    await operator.closed("LOSSUSDT")

    async def halted() -> list[str]:
        return [each["cause"] for each in (await operator.config())["halts"]]

    await eventually(halted, within_seconds=SECONDS)
    await operator.simulator.list_coin("REFUSEDUSDT", price="1", swing=0)

    async def refused() -> str:
        items = (await operator.client.get("/trades", params={"symbol": "REFUSEDUSDT"})).json()["items"]
        return items[0]["error_reason"] if items else ""

    reason = await eventually(refused, within_seconds=SECONDS)
    await operator.put(**CALM)
    (await operator.client.post("/resume")).raise_for_status()

    assert reason.startswith("halted: daily_loss: ")


async def test_live_trading_ends_at_its_time_although_the_api_is_dead(operator: Operator) -> None:
    until = utc_now() + timedelta(seconds=6)
    armed = await operator.put(auto_trade_until=until.isoformat())
    await operator.api.kill()
    async with open_database(operator.database_url) as database:

        async def is_off() -> bool:
            async with database.connection() as connection:
                return not await connection.fetchval("SELECT auto_trade FROM trade_config")

        await eventually(is_off, within_seconds=SECONDS)
        off_at = utc_now()
        await operator.simulator.list_coin("PAPERUSDT", price="1", swing=0)

        async def mode() -> str | None:
            async with database.connection() as connection:
                found: str | None = await connection.fetchval("SELECT mode FROM orders WHERE symbol = 'PAPERUSDT'")
                return found

        on_paper = await eventually(mode, within_seconds=SECONDS)
        async with database.connection() as connection:
            last = await connection.fetchrow("SELECT * FROM trade_config_audit ORDER BY id DESC LIMIT 1")

    assert armed["auto_trade"]
    assert off_at >= until
    assert on_paper == "dry-run"
    assert last is not None
    assert last["changed_by"] == "executor: auto_trade_until"
    assert (last["after"]["auto_trade"], last["after"]["auto_trade_until"]) == (False, None)
