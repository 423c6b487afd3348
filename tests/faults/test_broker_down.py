"""The whole way from the exchange to the row, while the broker is down: at the start, and then for a while."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from pydantic import SecretStr

from ingest.service import serve as serve_ingest
from ingest.settings import IngestSettings
from shared.bus import rabbitmq
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from shared.settings import BrokerSettings, ExchangeSettings
from shared.wire import topology
from tests.servers.broker import private_rabbitmq_server
from tests.servers.rabbitmq import PrivateRabbitMQ
from tests.support.running.pipelines import Service, dedup, persister, rows
from tests.support.running.services import open_database, serving
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.waiting import eventually

# A broker takes seconds to start, and its clients retry with back-off.
pytestmark = pytest.mark.timeout(120)

PENDING_MAX = 4
QUEUE_SECONDS_MIN = 3
"""A quorum queue whose node is killed within a second or two of its making is lost for good, which is RabbitMQ's fault
and no subject of this."""


def ingest(exchange: Simulator) -> Service:
    settings = IngestSettings(default_symbols_seconds=0.1, exchange_info_seconds=2, pending_max=PENDING_MAX)
    venue = ExchangeSettings(
        mexc_rest_url=exchange.rest_url, mexc_ws_url=exchange.ws_url, mexc_web_url=exchange.rest_url
    )

    async def serve(runtime: Runtime) -> None:
        await serve_ingest(runtime, settings, venue)

    return serve


@asynccontextmanager
async def running(database_url: str, broker_url: str) -> AsyncIterator["Pipeline"]:
    """Run ingest, dedup and the persister, whether the broker is there or not, from when ingest knows the exchange."""
    settings = BrokerSettings(url=SecretStr(broker_url))
    async with (
        simulator_in_this_process() as exchange,
        open_database(database_url) as database,
        rabbitmq.connect(settings, topology.SNIPER, name="test") as bus,
        AsyncExitStack() as stack,
    ):
        runtime = Runtime(bus, database, Telemetry(), asyncio.Event())
        # As a process does: not ready before the service itself says what that takes.
        runtime.telemetry.ready_when("ingest", lambda: False)
        for service in (dedup, persister, ingest(exchange)):
            await stack.enter_async_context(serving(runtime, service))
        await eventually(lambda: not runtime.telemetry.not_ready(), within_seconds=20)
        yield Pipeline(runtime, exchange)


def held() -> int:
    """Return how many sightings wait in memory for the broker."""
    return sum(task.get_name().startswith("publish-") for task in asyncio.all_tasks())


class Pipeline:
    """From the exchange to the rows, on a broker that comes and goes."""

    def __init__(self, runtime: Runtime, exchange: Simulator) -> None:
        self.runtime = runtime
        self._exchange = exchange
        self._listed: set[str] = set()

    async def lists(self, *symbols: str) -> None:
        for symbol in symbols:
            await self._exchange.list_coin(symbol)
        self._listed.update(symbols)

    async def lists_until_no_more_is_held(self, *symbols: str) -> None:
        """List them while the broker is down, and see that only so many sightings wait for it."""
        await self.lists(*symbols)
        await eventually(lambda: held() == PENDING_MAX, within_seconds=20)

    async def has_stored_all(self) -> None:
        """Return once everything listed is stored, each once and nothing else."""

        async def stored() -> bool:
            return sorted(await self._column("symbol", "listings")) == sorted(self._listed)

        await eventually(stored, within_seconds=40)
        claims = await self._column("listing_key", "listing_claims")
        assert sorted(claims) == sorted(f"{symbol}:1" for symbol in self._listed)

    async def _column(self, column: str, table: str) -> list[str]:
        return [row[column] for row in await rows(self.runtime, f"SELECT {column} FROM {table}")]


@pytest.fixture(scope="module")
def node() -> Iterator[PrivateRabbitMQ]:
    """One broker for both faults; each test leaves it running."""
    with private_rabbitmq_server(durable=False) as server:
        yield server


@pytest.fixture
def private_url(node: PrivateRabbitMQ) -> str:
    return node.url_for(node.create_vhost())


async def test_a_broker_that_is_down_at_the_start_costs_no_listing(
    database_url: str, node: PrivateRabbitMQ, private_url: str
) -> None:
    await asyncio.to_thread(node.kill)
    async with running(database_url, private_url) as pipeline:
        await pipeline.lists_until_no_more_is_held(*(f"START{number}USDT" for number in range(6)))
        assert not pipeline.runtime.bus.is_connected()
        await asyncio.to_thread(node.restart)

        await pipeline.has_stored_all()
        await eventually(lambda: held() == 0, within_seconds=20)


async def test_a_broker_that_is_down_for_a_while_costs_no_listing(
    database_url: str, node: PrivateRabbitMQ, private_url: str
) -> None:
    async with running(database_url, private_url) as pipeline:
        await eventually(pipeline.runtime.bus.is_connected, within_seconds=20)
        old_enough = asyncio.get_running_loop().time() + QUEUE_SECONDS_MIN
        await pipeline.lists("BEFOREUSDT")
        await pipeline.has_stored_all()
        await eventually(lambda: asyncio.get_running_loop().time() > old_enough)

        await asyncio.to_thread(node.kill)
        await pipeline.lists_until_no_more_is_held(*(f"MEANWHILE{number}USDT" for number in range(6)))
        await asyncio.to_thread(node.restart)
        await pipeline.has_stored_all()
        await eventually(lambda: held() == 0, within_seconds=20)
