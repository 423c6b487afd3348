"""A running system with some faults, as Prometheus sees it: every page, every panel, and the values behind them."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import pika
import pytest
import pytest_asyncio

from contract.dashboards import BOARDS
from contract.dashboards.board import Panel
from contract.metrics import SERVICES, definitions_of
from shared.wire import topology
from tests.servers.databases import PostgresServer
from tests.servers.node import RabbitMQNode, private_node
from tests.servers.ports import free_ports
from tests.support.deployment.monitoring import said
from tests.support.deployment.prometheus import Prometheus, running_prometheus
from tests.support.fakes.certificates import self_signed
from tests.support.running.processes import Sniper, sniper
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

pytestmark = [pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="module")]

NAMES: Final = ("ingest", "dedup", "executor", "persister", "api", "notifier")
COIN: Final[Mapping[str, Any]] = {"price": "1", "swing": 0, "asks": [("1", "100000")], "bids": [("0.99", "100000")]}
PANELS: Final = [(board.title, panel) for board in BOARDS for row in board.rows for panel in row]
ELSEWHERE: Final = ("sniper_executor_private_stream_", "sniper_express_")
"""Shown by an executor that trades live, and on the express way."""
DEFINED: Final = {each.name for service in SERVICES if service != "cli" for each in definitions_of(service)}
"""By services that run by themselves; the express way is another composition of them."""


@dataclass(slots=True)
class Observed:
    """The system, and who watches it."""

    exchange: SimulatorProcess
    services: Mapping[str, Sniper]
    prometheus: Prometheus
    rows: "asyncpg.Connection[asyncpg.Record]"
    api_url: str

    async def count(self, query: str) -> float:
        return float(await self.rows.fetchval(query))

    async def moves(self, symbol: str) -> None:
        """Let something happen everywhere."""
        await self.exchange.list_coin(symbol, **COIN)
        async with httpx.AsyncClient(verify=False, trust_env=False) as client:
            await client.get(f"{self.api_url}/health/live")


@pytest.fixture(scope="module")
def broker() -> Any:
    with private_node(durable=False, shows_metrics=True) as node:
        yield node


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def observed(
    broker: RabbitMQNode, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Observed]:
    directory: Path = tmp_path_factory.mktemp("observed")
    database_url = postgres_server.create_migrated_database()
    broker_url = broker.url_for(broker.create_vhost())
    async with AsyncExitStack() as stack:
        exchange = await stack.enter_async_context(running_simulator())
        [api_port] = free_ports(1)
        environment = {
            "SNIPER_DATABASE_URL": database_url,
            "SNIPER_BROKER_URL": broker_url,
            "SNIPER_MEXC_REST_URL": exchange.rest_url,
            "SNIPER_MEXC_WS_URL": exchange.ws_url,
            "SNIPER_MEXC_API_KEY": SimulatorProcess.api_key,
            "SNIPER_MEXC_API_SECRET": SimulatorProcess.api_secret,
            "SNIPER_MEXC_API_KEY_CREATED": "2026-01-01",
            "SNIPER_INGEST_CANARY_SECONDS": "1",
            "SNIPER_INGEST_EXCHANGE_INFO_SECONDS": "2",
            "SNIPER_EXECUTOR_ORDERS_PER_MINUTE": "1000",
            "SNIPER_EXECUTOR_LISTINGS_PER_MINUTE_MAX": "1000",
            "SNIPER_API_PORT": str(api_port),
            "SNIPER_API_TLS_CERTIFICATE": str(self_signed(directory)),
        }
        services = {
            name: await stack.enter_async_context(sniper("run", name, environment=environment, directory=directory))
            for name in NAMES
        }
        for each in services.values():
            await each.ready()
        ports = {name: each.metrics_port for name, each in services.items()}
        prometheus = await stack.enter_async_context(running_prometheus(ports, broker.prometheus_port, directory))
        rows = await asyncpg.connect(database_url)
        stack.push_async_callback(rows.close)
        # Not once: the executor asks for the same list, and is answered so first.
        await exchange.arm("exchange_info_empty", count=20)
        bury_something(broker_url)
        yield Observed(exchange, services, prometheus, rows, f"https://127.0.0.1:{api_port}")


def bury_something(broker_url: str) -> None:
    """Publish what dedup cannot read."""
    with pika.BlockingConnection(pika.URLParameters(broker_url)) as connection:
        connection.channel().basic_publish(topology.RAW.name, "raw.mexc_rest_api", b"no event")


async def test_every_panel_shows_something(observed: Observed) -> None:
    silent, number = list(PANELS), 0

    async def all_show() -> bool:
        nonlocal silent, number
        number += 1
        await observed.moves(f"PANEL{number}USDT")
        silent = [(board, panel) for board, panel in silent if not await shows(observed.prometheus, panel)]
        return not silent

    try:
        await eventually(all_show, within_seconds=90, every_seconds=1)
    except AssertionError:
        pytest.fail(f"nothing on: {[(board, panel.title) for board, panel in silent]}", pytrace=False)


async def shows(prometheus: Prometheus, panel: Panel) -> bool:
    """Return whether each query of *panel* has at least one series with the labels of its legend.

    Of several labels, Prometheus leaves out those that are empty.
    """
    for query in panel.queries:
        found = await prometheus.series(query.expr)
        if not found or any(set(query.by[:1]) - set(each.labels) for each in found if each.labels):
            return False
    return True


SAME: Final = {
    "Listings by the source that was first": ({}, "SELECT count(*) FROM listings"),
    "Decisions by outcome and reason": ({}, "SELECT count(*) FROM orders WHERE side = 'BUY'"),
    "Orders by state": (
        {"mode": "dry-run", "side": "BUY", "state": "filled"},
        "SELECT count(*) FROM trades WHERE mode = 'dry-run' AND side = 'BUY' AND status = 'filled'",
    ),
    "Result of the day": ({"mode": "dry-run"}, "SELECT day_result_usdt FROM exposure WHERE mode = 'dry-run'"),
    "At stake": ({"mode": "dry-run", "state": "held"}, "SELECT filled_usdt FROM exposure WHERE mode = 'dry-run'"),
    "Limits": ({"limit": "position"}, "SELECT max_position_usdt FROM trade_config"),
    "Share of the limit": (
        {"mode": "dry-run"},
        """SELECT (reserved_usdt + filled_usdt) / (SELECT max_position_usdt FROM trade_config) FROM exposure
        WHERE mode = 'dry-run'""",
    ),
    "Positions": (
        {"mode": "dry-run", "state": "open"},
        "SELECT count(*) FROM positions WHERE mode = 'dry-run' AND state = 'open'",
    ),
    "Open orders": (
        {"mode": "dry-run"},
        """SELECT count(*) FROM orders WHERE mode = 'dry-run'
        AND state IN ('armed', 'sending', 'acknowledged', 'unknown')""",
    ),
    "Rows written": ({"table": "listings"}, "SELECT count(*) FROM listings"),
    "Trades on their way out": ({}, "SELECT count(*) FROM trade_outbox"),
    "Dead letters": ({"queue": "dedup.raw"}, "SELECT 1"),
    "Waiting in RabbitMQ": ({"queue": "sniper.dead"}, "SELECT 1"),
    "Halted": ({}, "SELECT 0"),
    "Processes up": ({}, f"SELECT {len(NAMES)}"),
    "Processes ready": ({}, f"SELECT {len(NAMES)}"),
}


@pytest.mark.parametrize("title", SAME)
async def test_a_panel_shows_what_the_database_holds(observed: Observed, title: str) -> None:
    labels, query = SAME[title]
    [panel] = [panel for _, panel in PANELS if panel.title == title]

    async def agrees() -> bool:
        shown = await observed.prometheus.latest(panel.queries[0].expr, **labels)
        return Decimal(str(round(shown, 6))) == Decimal(str(round(await observed.count(query), 6)))

    await observed.moves(f"SAME{list(SAME).index(title)}USDT")
    await eventually(agrees, within_seconds=30)


async def test_every_page_is_as_prometheus_wants_it(observed: Observed) -> None:
    for name, service in observed.services.items():
        page = (await service.get("/metrics")).text
        said("promtool", "check", "metrics", given=page)

        assert "_created" not in page, name
        shown = set(re.findall(r"^# TYPE (sniper_\w+)", page, re.MULTILINE))
        assert shown <= DEFINED, name
        assert not re.search(r'="[^"]*(USDT|[0-9a-f]{16})', page), name


async def test_every_metric_that_is_defined_is_shown_by_some_process(observed: Observed) -> None:
    pages = [(await service.get("/metrics")).text for service in observed.services.values()]

    shown = {name for page in pages for name in re.findall(r"^# TYPE (\w+)", page, re.MULTILINE)}

    assert {name for name in DEFINED - shown if not name.startswith(ELSEWHERE)} == set()


SCRAPES: Final = 50
SCRAPE_SECONDS: Final = 15
SHARE_MAX: Final = 0.01


async def test_scraping_every_service_costs_less_than_a_hundredth_of_a_core(observed: Observed) -> None:
    """By the CPU time that each process counts itself, with whatever else it did meanwhile."""
    seconds = 0.0
    for service in observed.services.values():
        before = await service.cpu_seconds()
        for _ in range(SCRAPES):
            await service.get("/metrics")
        seconds += (await service.cpu_seconds() - before) / SCRAPES
    print(f"scraping {len(NAMES)} services: {seconds / SCRAPE_SECONDS:.2%} of a core")  # noqa: T201 - the figure

    assert seconds < SHARE_MAX * SCRAPE_SECONDS
