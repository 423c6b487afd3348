"""One listing through four processes: one trace from the frame to the order, and log lines that name it."""

import itertools
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.servers.databases import PostgresServer
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.fakes.collectors import Collector, Span, collecting
from tests.support.running.log_lines import ABOUT, NAMED
from tests.support.running.processes import Cluster, cluster
from tests.support.running.simulators import SimulatorProcess, running_simulator
from tests.waiting import eventually

pytestmark = [pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="module")]

SYMBOL = "TRACEDUSDT"
KEY = f"{SYMBOL}:1"
COIN: Mapping[str, Any] = {"price": "1", "swing": 0, "asks": [("1", "100000")], "bids": [("0.99", "100000")]}


@dataclass(slots=True)
class Told:
    """Output of four processes about one listing that they traded."""

    services: Cluster
    collector: Collector

    def of_the_listing(self) -> list[Span]:
        """Return the trace that led to the order."""
        orders = [span for span in self.collector.spans if span.name == "order"]
        return [span for span in self.collector.spans if orders and span.trace_id == orders[0].trace_id]

    def lines(self, service: str) -> list[dict[str, Any]]:
        text = self.services[service].log.read_text()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(
    postgres_server: PostgresServer, rabbitmq_server: RabbitMQServer, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Told]:
    directory: Path = tmp_path_factory.mktemp("traced")
    async with running_simulator() as exchange:
        with collecting() as collector:
            environment = {
                "SNIPER_DATABASE_URL": (url := postgres_server.create_migrated_database()),
                "SNIPER_BROKER_URL": rabbitmq_server.url_for(rabbitmq_server.create_vhost()),
                "SNIPER_MEXC_API_KEY": SimulatorProcess.api_key,
                "SNIPER_MEXC_API_SECRET": SimulatorProcess.api_secret,
                "SNIPER_MEXC_REST_URL": exchange.rest_url,
                "SNIPER_MEXC_WS_URL": exchange.ws_url,
                "SNIPER_OTLP_ENDPOINT": collector.url,
                "SNIPER_LOG_FORMAT": "json",
                "SNIPER_LOG_LEVEL": "debug",
            }
            async with cluster(environment, directory) as services:
                await exchange.list_coin(SYMBOL, **COIN)
                rows = await asyncpg.connect(url)
                try:
                    filled = "SELECT true FROM trades WHERE status = 'filled'"
                    await eventually(lambda: rows.fetchval(filled), within_seconds=40)
                finally:
                    await rows.close()
                yield Told(services, collector)


async def test_one_trace_leads_from_the_frame_to_the_order_through_four_processes(told: Told) -> None:
    def is_whole() -> bool:
        return {span.service for span in told.of_the_listing()} == {
            "sniper-ingest",
            "sniper-dedup",
            "sniper-executor",
            "sniper-persister",
        }

    await eventually(is_whole)
    spans = {span.span_id: span for span in told.of_the_listing()}
    [order] = [span for span in spans.values() if span.name == "order"]
    way = [order]
    while way[-1].parent_id:
        way.append(spans[way[-1].parent_id])

    assert [span.name for span in reversed(way)] == [
        "sighting",
        "process dedup.raw",
        "process executor.listings",
        "order",
    ]
    # The first began by the exchange's clock, the others by this machine's.
    assert all(before.began_ns <= after.began_ns for after, before in itertools.pairwise(way[:-1]))
    assert all(span.began_ns <= span.ended_ns for span in spans.values())


async def test_nothing_but_listings_is_traced(told: Told) -> None:
    names = {span.name for span in told.collector.spans}

    assert "process persister.listings" in names
    assert "process persister.health" not in names


WAY = {
    "ingest": {"listing seen"},
    "dedup": {"forwarded"},
    "executor": {"decided", "order"},
    "persister": {"listing stored"},
}


@pytest.mark.parametrize("service", WAY)
async def test_every_line_on_its_way_names_the_listing_and_the_event(told: Told, service: str) -> None:
    lines = [line for line in told.lines(service) if line.get("symbol") == SYMBOL or line.get("listing") == KEY]

    assert WAY[service] <= {line["event"] for line in lines}
    assert [line for line in lines if line.get("listing") != KEY or not line.get("event_id")] == []


@pytest.mark.parametrize("service", WAY)
async def test_no_line_of_an_order_or_a_position_goes_without_its_listing(told: Told, service: str) -> None:
    lines = [line for line in told.lines(service) if ABOUT & line.keys()]

    assert [line for line in lines if not line.keys() >= NAMED] == []


async def test_the_lines_of_one_event_share_its_id(told: Told) -> None:
    def ids(service: str) -> set[str]:
        return {line["event_id"] for line in told.lines(service) if line.get("listing") == KEY and "event_id" in line}

    assert ids("dedup") <= ids("ingest")
    assert f"{KEY}:detected" in ids("executor") & ids("persister")
