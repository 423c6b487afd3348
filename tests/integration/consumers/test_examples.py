"""Every consumer of the guide runs against a real broker, as a program of its own."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url

from shared.bus import rabbitmq
from shared.bus.port import Bus
from shared.events import ListingRescheduled, utc_now
from shared.settings import BrokerSettings
from shared.wire import topology
from shared.wire.topology import PipelineEvent, to_message
from tests.servers.rabbitmq import RabbitMQServer
from tests.support.data.builders import a_health, a_listing, a_raw_listing, a_trade
from tests.support.deployment.node_packages import installed
from tests.waiting import eventually

EXAMPLES: Final = Path(__file__).parents[3] / "docs" / "examples"
JARS: Final = [Path("/usr/share/java") / name for name in ("amqp-client.jar", "slf4j-api.jar", "slf4j-nop.jar")]
START_SECONDS: Final = 60
"""For a virtual machine on a busy computer."""
QUEUE: Final = "reader.example"


class Reader:
    """A consumer's process, and what it printed: an event a line."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.errors = ""

    def ids(self) -> list[str]:
        return [event["id"] for event in self.events]

    async def gets(self, *ids: str) -> None:
        await eventually(lambda: self.ids() == list(ids), within_seconds=START_SECONDS)


@asynccontextmanager
async def reading(command: Sequence[str | Path]) -> AsyncIterator[Reader]:
    """Run a consumer for the time of the block."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    reader = Reader()
    lines = asyncio.create_task(_lines(process.stdout, reader))
    errors = asyncio.create_task(process.stderr.read())
    try:
        yield reader
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await lines
        sys.stderr.write((await errors).decode(errors="replace"))


async def _lines(output: asyncio.StreamReader, reader: Reader) -> None:
    async for line in output:
        reader.events.append(json.loads(line))


@pytest.fixture
async def bus(broker_url: str) -> AsyncIterator[Bus]:
    settings = BrokerSettings(url=SecretStr(broker_url))
    async with rabbitmq.connect(settings, topology.SNIPER, name="test") as bus:
        await eventually(bus.is_connected, within_seconds=30)
        yield bus


async def publish(bus: Bus, *events: PipelineEvent) -> None:
    for event in events:
        await bus.publish(to_message(event))


async def consumer_known(server: RabbitMQServer, broker_url: str) -> None:
    """Return once the consumer's queue is bound and fed."""
    vhost = make_url(broker_url).database

    def is_fed() -> bool:
        with server.management() as api:
            consumers = api.get(f"/api/consumers/{vhost}").raise_for_status().json()
        return any(consumer["queue"]["name"] == QUEUE for consumer in consumers)

    await eventually(is_fed, within_seconds=START_SECONDS, every_seconds=0.2)


def rescheduled() -> ListingRescheduled:
    return ListingRescheduled.model_validate(a_listing().model_dump() | {"id": "ABCUSDT:1:rescheduled:1"})


def python_listings() -> list[str | Path]:
    return [sys.executable, EXAMPLES / "python" / "listings.py"]


def node_listings() -> list[str | Path]:
    return ["node", installed(EXAMPLES / "node") / "listings.mjs"]


def java_listings() -> list[str | Path]:
    missing = [jar.name for jar in JARS if not jar.exists()]
    if missing or shutil.which("java") is None:
        pytest.fail("needs a JDK and Debian's package librabbitmq-client-java", pytrace=False)
    return ["java", "-cp", ":".join(map(str, JARS)), EXAMPLES / "java" / "Listings.java"]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("command", [python_listings, node_listings, java_listings])
async def test_a_consumer_gets_every_listing_once(
    bus: Bus, broker_url: str, rabbitmq_server: RabbitMQServer, command: Any
) -> None:
    first, moved, last = a_listing(), rescheduled(), a_listing(symbol="XYZUSDT")

    async with reading([*command(), broker_url, QUEUE]) as reader:
        await consumer_known(rabbitmq_server, broker_url)
        await publish(bus, first, a_raw_listing(), a_health(), first, moved, last)
        await reader.gets(first.id, moved.id, last.id)

    assert [event["type"] for event in reader.events] == [
        "sniper.listing.detected",
        "sniper.listing.rescheduled",
        "sniper.listing.detected",
    ]


@pytest.mark.timeout(400)
async def test_a_consumer_that_was_away_gets_what_came_meanwhile(
    bus: Bus, broker_url: str, rabbitmq_server: RabbitMQServer
) -> None:
    listing, trade = a_listing(), a_trade()
    async with reading([*python_listings(), broker_url, QUEUE]):
        await consumer_known(rabbitmq_server, broker_url)
    await publish(bus, listing, trade)

    async with reading([*python_listings(), broker_url, QUEUE]) as reader:
        await reader.gets(listing.id, trade.id)

    assert reader.events[1]["quote_qty"] == "100.00"


@pytest.mark.timeout(400)
async def test_a_late_consumer_reads_the_archive_from_its_start_and_from_a_time(bus: Bus, broker_url: str) -> None:
    replay: list[str | Path] = [sys.executable, EXAMPLES / "python" / "replay.py", broker_url]
    now = utc_now()
    before = [a_health(sent_at=now - timedelta(hours=hours)) for hours in (2, 1)]
    after = [a_health(sent_at=now), a_health(sent_at=now + timedelta(seconds=1))]
    await publish(bus, *before, *after)

    async with reading([*replay, "first"]) as everything:
        await everything.gets(*(event.id for event in (*before, *after)))
    async with reading([*replay, now.isoformat()]) as recent:
        await recent.gets(*(event.id for event in after))
        live = a_health(sent_at=now + timedelta(seconds=2))
        await publish(bus, live)
        await recent.gets(*(event.id for event in (*after, live)))

    assert [event["offset"] for event in everything.events] == [0, 1, 2, 3]


async def test_the_archive_keeps_what_was_read(bus: Bus, broker_url: str) -> None:
    listing = a_listing()
    await publish(bus, listing)

    for _ in range(2):
        async with reading([sys.executable, EXAMPLES / "python" / "replay.py", broker_url, "first"]) as reader:
            await reader.gets(listing.id)


def test_every_example_is_in_the_guide() -> None:
    guide = (EXAMPLES.parent / "consumers.md").read_text(encoding="utf-8")

    for example in EXAMPLES.glob("*/*"):
        assert example.suffix == ".json" or f"(examples/{example.relative_to(EXAMPLES)})" in guide
