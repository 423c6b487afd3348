"""The stream beside a server: read for as long as the block lasts, and ended when the process is to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry, Gauge

from api.parts import Parts
from api.streaming.feed import Feed
from api.streaming.hub import Hub
from api.streaming.states import States
from api.streaming.summaries import SummaryStates


@asynccontextmanager
async def streaming(parts: Parts) -> AsyncIterator[None]:
    """Feed the hub of *parts*; every stream ends with the runtime's stop event, or else with the block."""
    runtime, hub = parts.runtime, parts.hub
    _measure(hub, runtime.telemetry.registry)
    states, summaries = States(runtime.database, parts.reader, hub), SummaryStates(parts.summaries, hub)
    feed = Feed(runtime.database, states, summaries, hub)
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(feed.run(), name="stream")
        ending = tasks.create_task(_close_with(runtime.stop, hub), name="stream-end")
        try:
            yield
        finally:
            hub.close()
            reading.cancel()
            ending.cancel()


async def _close_with(stop: asyncio.Event, hub: Hub) -> None:
    """End every stream once *stop* is set: a server waits for what it is answering."""
    await stop.wait()
    hub.close()


def _measure(hub: Hub, registry: CollectorRegistry) -> None:
    streams = Gauge("sniper_api_streams", "Clients of the event stream.", registry=registry)
    streams.set_function(lambda: hub.subscribers)
    dropped = Gauge("sniper_api_streams_dropped", "Clients let go because they were too slow.", registry=registry)
    dropped.set_function(lambda: hub.dropped)
