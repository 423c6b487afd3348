"""The executor as run by `sniper run executor`, reporting the delivery time of each listing."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from bench.floor.messaging import print_ready, print_stamp
from bench.stamping.sales import stamp_sales
from executor.service import serve
from executor.settings import ExecutorSettings
from shared.bus.port import Bus, Handler, Message, Queue
from shared.process.telemetry import configure_logging
from shared.settings import BrokerSettings, DatabaseSettings, ExchangeSettings, TelemetrySettings, load
from tests.support.running.services import rabbitmq_runtime, serving
from tests.waiting import eventually

READY_SECONDS = 15


@dataclass(frozen=True, slots=True)
class StampingBus:
    """A bus that reports the time of each delivery."""

    bus: Bus

    async def publish(self, message: Message, /) -> None:
        await self.bus.publish(message)

    async def consume(self, queue: Queue, handle: Handler, *, until: asyncio.Event) -> None:
        async def stamp(message: Message) -> Sequence[Message]:
            began_ns = time.monotonic_ns()
            results = await handle(message)
            print_stamp(message.message_id, began_ns)
            return results

        await self.bus.consume(queue, stamp, until=until)

    def is_connected(self) -> bool:
        return self.bus.is_connected()


async def run() -> None:
    database, broker = load(DatabaseSettings).url, load(BrokerSettings).url
    assert database is not None
    assert broker is not None
    settings, venue = load(ExecutorSettings), load(ExchangeSettings)
    async with rabbitmq_runtime(database.get_secret_value(), broker.get_secret_value()) as opened:
        runtime = replace(opened, bus=StampingBus(opened.bus))
        async with serving(runtime, lambda own: serve(own, settings, venue, Path.cwd())):
            await eventually(lambda: runtime.telemetry.not_ready() == [], within_seconds=READY_SECONDS)
            print_ready()
            await asyncio.Event().wait()


if __name__ == "__main__":
    stamp_sales()
    configure_logging(load(TelemetrySettings))
    uvloop.run(run())
