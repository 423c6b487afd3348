"""Cost of counting, tracing and naming on a listing's way, beside that of the way: in CPU time, in one run."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from shared.bus import rabbitmq, tracing
from shared.bus.metrics import BusMetrics
from shared.bus.port import Message
from shared.events import RawListing
from shared.log_context import bind_event_id, bind_listing
from shared.settings import BrokerSettings
from shared.wire import topology
from tests.support.data.builders import a_raw_listing

MESSAGES: Final = 200
ROUNDS: Final = 5
SHARE_MAX: Final = 0.05


async def test_telemetry_is_under_a_twentieth_of_a_hop(broker_url: str) -> None:
    """A hop's CPU time is less than the time it takes, so the share of the time is less still."""
    registry = CollectorRegistry()
    metrics = BusMetrics(registry)
    settings = BrokerSettings(url=SecretStr(broker_url))
    async with rabbitmq.connect(settings, topology.SNIPER, name="test", metrics=metrics) as bus:
        await hops(bus)  # Whatever is only done once.
        rounds = [(await hops(bus), telemetry(metrics)) for _ in range(ROUNDS)]

    counted = registry.get_sample_value("sniper_bus_deliveries_total", {"queue": "dedup.raw"})
    assert counted == MESSAGES * (2 * ROUNDS + 1)
    whole, own = (min(seconds) for seconds in zip(*rounds, strict=True))
    assert own < SHARE_MAX * whole


async def hops(bus: rabbitmq.RabbitBus) -> float:
    """Return the CPU seconds of publishing, confirming, delivering and acknowledging, one message after the other."""
    arrived, until = asyncio.Event(), asyncio.Event()

    async def handle(message: Message) -> Sequence[Message]:
        arrived.set()
        return ()

    message = topology.to_message(a_raw_listing())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bus.consume(topology.DEDUP_RAW, handle, until=until))
        began = time.process_time()
        for _ in range(MESSAGES):
            arrived.clear()
            await bus.publish(message)
            await arrived.wait()
        seconds = time.process_time() - began
        until.set()
    return seconds


def telemetry(metrics: BusMetrics) -> float:
    """Return the CPU seconds of what is done beside that, with no SDK for traces."""
    event: RawListing = a_raw_listing()
    message, queue = topology.to_message(event), metrics.of_queue(topology.DEDUP_RAW.name)
    began = time.process_time()
    for _ in range(MESSAGES):
        with metrics.publishing(message.exchange):
            tracing.with_trace_context(message)
        bind_event_id(message.message_id)
        with queue.handling(1), tracing.handling(topology.DEDUP_RAW.name, message):
            bind_listing(event)
    return time.process_time() - began
