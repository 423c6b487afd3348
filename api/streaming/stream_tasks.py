"""Tasks of the stream beside a server: it is published during the block, and ends with the process's stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prometheus_client import Gauge

from api.app_state import AppState
from api.streaming.hub import Hub
from api.streaming.publisher import StreamPublisher
from api.streaming.states import States
from api.streaming.summaries import SummaryStates


@asynccontextmanager
async def run_stream(state: AppState) -> AsyncIterator[None]:
    """Publish to the hub of *state*; every stream ends with the runtime's stop event, or with the block."""
    runtime, hub = state.runtime, state.hub
    registry = runtime.telemetry.registry
    streams = Gauge("sniper_api_streams", "Clients of the event stream.", registry=registry)
    streams.set_function(lambda: hub.subscribers)
    dropped = Gauge("sniper_api_streams_dropped", "Clients let go because they were too slow.", registry=registry)
    dropped.set_function(lambda: hub.dropped)
    states, summaries = States(runtime.database, state.reader, hub), SummaryStates(state.summaries, hub)
    feed = StreamPublisher(runtime.database, states, summaries, hub)
    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(feed.run(), name="stream")
        ending = tasks.create_task(close_on(runtime.stop, hub), name="stream-end")
        try:
            yield
        finally:
            hub.close()
            reading.cancel()
            ending.cancel()


async def close_on(stop: asyncio.Event, hub: Hub) -> None:
    """End every stream once *stop* is set, as a server waits for open responses."""
    await stop.wait()
    hub.close()
