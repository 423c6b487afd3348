"""A listing travels the whole way, through processes of their own, a real RabbitMQ and a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

import aio_pika
import asyncpg
import pytest
import pytest_asyncio

from shared.bus.delivery import REASON
from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.running.processes import Cluster, Sniper, cluster, sniper
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

Rows: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


@pytest.fixture(scope="module")
def environment(postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer) -> dict[str, str]:
    """One database and one virtual host for the whole module: starting every service takes seconds."""
    return {
        "SNIPER_DATABASE_URL": postgres_server.create_migrated_database(),
        "SNIPER_BROKER_URL": rabbitmq_server.url_for(rabbitmq_server.create_vhost()),
        "SNIPER_MEXC_API_KEY": SimulatorProcess.api_key,
        "SNIPER_MEXC_API_SECRET": SimulatorProcess.api_secret,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def simulator() -> AsyncIterator[SimulatorProcess]:
    async with running_simulator() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def services(
    environment: dict[str, str], simulator: SimulatorProcess, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Cluster]:
    exchange = {"SNIPER_MEXC_REST_URL": simulator.rest_url, "SNIPER_MEXC_WS_URL": simulator.ws_url}
    async with cluster(environment | exchange, tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rows(environment: dict[str, str]) -> AsyncIterator[Rows]:
    connection = await asyncpg.connect(environment["SNIPER_DATABASE_URL"])
    yield connection
    await connection.close()


async def traded(rows: Rows, symbol: str) -> asyncpg.Record:
    """Return the trade of *symbol* once it is stored."""

    async def stored() -> asyncpg.Record | None:
        return await rows.fetchrow("SELECT * FROM trades WHERE symbol = $1", symbol)

    row = await eventually(stored, within_seconds=30)
    assert row is not None
    return row


async def listed(rows: Rows, symbol: str) -> int:
    """Return how many listings of *symbol* are stored, once there is one."""

    async def stored() -> int:
        return int(await rows.fetchval("SELECT count(*) FROM listings WHERE symbol = $1", symbol))

    return int(await eventually(stored, within_seconds=30))


async def becomes(rows: Rows, component: str, status: str, *, within_seconds: float) -> None:
    """Return once bot_health shows *component* as *status*."""

    async def shown() -> bool:
        query = "SELECT status FROM bot_health WHERE component_name = $1"
        return bool(await rows.fetchval(query, component) == status)

    await eventually(shown, within_seconds=within_seconds)


async def counted(service: Sniper, metric: str) -> float:
    """Return the sum of *metric* over its labels."""
    lines = (await service.get("/metrics")).text.splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(metric))


async def answers(service: Sniper, path: str, status: int) -> bool:
    try:
        async with asyncio.timeout(2):
            return (await service.get(path)).status_code == status
    except OSError:
        return False


async def test_a_coin_seen_twice_is_listed_stored_and_bought_once(
    services: Cluster, simulator: SimulatorProcess, rows: Rows
) -> None:
    before = await counted(services["dedup"], "sniper_dedup_duplicates_total")

    await simulator.list_coin("WHOLEUSDT")
    trade = await traded(rows, "WHOLEUSDT")

    async def both_seen() -> bool:
        return await counted(services["dedup"], "sniper_dedup_duplicates_total") == before + 1

    await eventually(both_seen)
    assert (trade["mode"], trade["status"], trade["side"]) == ("dry-run", "filled", "BUY")
    assert 90 < trade["quote_qty"] <= 100  # What the cap of 5 % above the price leaves unspent is part of it.
    assert await listed(rows, "WHOLEUSDT") == 1
    assert [order["test"] for order in await simulator.orders("WHOLEUSDT")] == [True]


@pytest.mark.parametrize("victim", ["dedup", "executor", "persister"])
async def test_what_a_killed_service_had_not_done_is_done_by_the_next(
    victim: str, services: Cluster, simulator: SimulatorProcess, rows: Rows
) -> None:
    symbol = f"{victim.upper()}USDT"
    sightings = await counted(services["ingest"], "sniper_ingest_sightings_total")
    await services[victim].kill()

    async def seen() -> bool:
        return await counted(services["ingest"], "sniper_ingest_sightings_total") > sightings

    await simulator.list_coin(symbol)
    await eventually(seen)
    await services.start(victim)

    assert (await traded(rows, symbol))["status"] == "filled"
    assert await listed(rows, symbol) == 1


async def test_a_coin_listed_while_nobody_watched_is_published_late_and_bought_as_it_has_just_opened(
    services: Cluster, simulator: SimulatorProcess, rows: Rows
) -> None:
    await services["ingest"].stop()
    await simulator.list_coin("MISSEDUSDT")

    await services.start("ingest")
    trade = await traded(rows, "MISSEDUSDT")

    assert trade["status"] == "filled"
    assert await listed(rows, "MISSEDUSDT") == 1
    assert await rows.fetchval("SELECT late AND opens_at IS NOT NULL FROM listings WHERE symbol = 'MISSEDUSDT'")


async def test_a_killed_service_is_shown_in_error_and_a_stopped_one_as_stopped(services: Cluster, rows: Rows) -> None:
    await becomes(rows, "dedup", "running", within_seconds=15)

    await services["dedup"].kill()
    await becomes(rows, "dedup", "error", within_seconds=15)

    await (await services.start("dedup")).ready()
    await becomes(rows, "dedup", "running", within_seconds=15)

    assert await services["dedup"].stop() == 0
    await becomes(rows, "dedup", "stopped", within_seconds=5)
    await services.start("dedup")


async def test_a_malformed_message_is_buried_with_its_reason_and_the_next_is_handled(
    services: Cluster, simulator: SimulatorProcess, rows: Rows, environment: dict[str, str]
) -> None:
    async with channel(environment["SNIPER_BROKER_URL"]) as amqp:
        raw = await amqp.get_exchange("sniper.raw")
        await raw.publish(aio_pika.Message(b"\xff not json"), "raw.mexc_rest_api")
        await simulator.list_coin("AFTERUSDT")
        trade = await traded(rows, "AFTERUSDT")

        dead = await (await amqp.get_queue("sniper.dead")).get(timeout=10)

    assert services["dedup"].process.returncode is None
    assert trade["status"] == "filled"
    assert dead.body == b"\xff not json"
    assert "not JSON" in str(dead.headers[REASON])


@asynccontextmanager
async def channel(url: str) -> AsyncIterator[Any]:
    async with await aio_pika.connect(url) as connection:
        yield await connection.channel()


async def test_a_service_waits_for_the_schema_and_the_broker_without_ending(
    postgres_server: PostgresServer, tmp_path: Path
) -> None:
    environment = {
        "SNIPER_DATABASE_URL": postgres_server.create_database(),
        "SNIPER_BROKER_URL": "amqp://guest:guest@127.0.0.1:9/",
    }
    async with sniper("run", "dedup", environment=environment, directory=tmp_path) as waiting:
        await eventually(lambda: answers(waiting, "/livez", 200))
        await eventually(lambda: "run `sniper migrate`" in waiting.log.read_text())

        assert await answers(waiting, "/readyz", 503)
        assert await waiting.stop() == 0
