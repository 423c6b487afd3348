"""An executor in a process of its own, which says which points it reaches and waits at those a test wants it to.

It is the executor's own service on a real broker and a real database; only the ports it is handed are wrapped. It is
forked from a process that has imported everything, because a test kills dozens of it.
"""

import asyncio
import os
import sys
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from cli.composing.express import service as express
from cli.composing.express.service import ExpressTerms
from cli.composing.express.settings import ExpressSettings
from cli.process import until_ready
from executor import service
from executor.settings import ExecutorSettings, ExitSeeds
from ingest.settings import IngestSettings
from shared.bus import rabbitmq
from shared.postgres import database
from shared.process import lifecycle
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry, configure_logging
from shared.settings import BrokerSettings, DatabaseSettings, ExchangeSettings, TelemetrySettings
from shared.wire import topology
from tests.faults.failpoints import PointedBus, PointedDatabase, Points, open_pointed_exchange

READY = "ready"
STOPPING = "stopping"
HEARD = "heard"
FULL_SECONDS = 0.01
"""Before a full pipe is tried again."""


@dataclass(frozen=True, slots=True)
class Orders:
    """Instructions to a child at its start."""

    database_url: str
    broker_url: str
    rest_url: str
    data_dir: Path
    log: Path
    hold: frozenset[str] = frozenset()
    """The points to wait at, until released."""
    settings: dict[str, Any] = field(default_factory=dict)
    database: dict[str, Any] = field(default_factory=dict)
    live: bool = True
    ws_url: str = ""
    """Of the exchange, where the process takes the express way; empty for an executor alone."""
    ingest: dict[str, Any] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    """Other names of points."""


class Wire:
    """Reports reached points to the test, and receives which may be passed."""

    def __init__(self, pipe: Pipe, hold: frozenset[str]) -> None:
        self._pipe = pipe
        self._hold = hold
        self._told = asyncio.Event()
        self.points = Points(self._reach)

    async def _reach(self, point: str) -> None:
        await self._say(point)
        while point in self._hold:
            self._told.clear()
            await self._told.wait()

    async def _say(self, point: str) -> None:
        """Send *point*; the test may be behind in reading, and a full pipe is no reason to die."""
        while True:
            try:
                self._pipe.send(point)
            except BlockingIOError:
                await asyncio.sleep(FULL_SECONDS)
            else:
                return

    def listen(self) -> None:
        """Hear at which points to wait from now on, counted anew, whenever the test says so."""
        loop = asyncio.get_running_loop()

        def hear() -> None:
            try:
                self._hold = self._pipe.recv()
            except EOFError:
                os._exit(1)  # The process of the tests is gone, and nothing else would end this one.
            self.points.start_over()
            self._told.set()
            self._pipe.send(HEARD)

        loop.add_reader(self._pipe.fileno(), hear)


def run(told: Orders, pipe: Pipe) -> None:
    """Run until stopped, as `sniper run executor` would."""
    sys.stdout = sys.stderr = told.log.open("a", buffering=1)
    configure_logging(TelemetrySettings(log_level="debug"))
    lifecycle.run(partial(_serve, told, pipe), stop_seconds=lifecycle.STOP_SECONDS)


async def _serve(told: Orders, pipe: Pipe, stop: asyncio.Event) -> None:
    wire = Wire(pipe, told.hold)
    wire.listen()
    points = wire.points
    url = database.parse_url(told.database_url, variable="the test")
    chosen = DatabaseSettings.model_validate({"url": told.database_url, **told.database})
    broker = BrokerSettings(url=SecretStr(told.broker_url), drain_seconds=5)
    async with (
        database.connect(chosen, url, name="executor") as opened,
        rabbitmq.connect(broker, topology.SNIPER, name="executor") as bus,
    ):
        runtime = Runtime(PointedBus(bus, points), PointedDatabase.of(opened, points, told.renamed), Telemetry(), stop)
        runtime.telemetry.ready_when("executor", lambda: False)
        runtime.telemetry.ready_when("broker", bus.is_connected)
        telling = asyncio.gather(_tell_ready(runtime, pipe), _tell_stopping(runtime, pipe))
        try:
            await _trade(runtime, told, points)
        finally:
            telling.cancel()


async def _trade(runtime: Runtime, told: Orders, points: Points) -> None:
    # Statements of rehearsals are no points, and what they read ahead would spare decisions theirs.
    settings, opened = (
        ExecutorSettings(**{"rehearsal_seconds": 0, **told.settings}),
        partial(open_pointed_exchange, points),
    )
    if not told.ws_url:
        await service.serve(runtime, settings, _venue(told), told.data_dir, open_exchange=opened)
        return
    runtime.telemetry.ready_when("ingest", lambda: False)
    terms = ExpressTerms(IngestSettings(**told.ingest), settings, ExitSeeds(), told.data_dir, ExpressSettings())
    await express.serve(runtime, terms, _venue(told), open_exchange=opened)


async def _tell_ready(runtime: Runtime, pipe: Pipe) -> None:
    await until_ready(runtime)
    pipe.send(READY)


async def _tell_stopping(runtime: Runtime, pipe: Pipe) -> None:
    await runtime.stop.wait()
    pipe.send(STOPPING)


def _venue(told: Orders) -> ExchangeSettings:
    return ExchangeSettings(
        mexc_rest_url=told.rest_url,
        mexc_ws_url=told.ws_url or ExchangeSettings.model_fields["mexc_ws_url"].default,
        mexc_api_key=SecretStr("sim-key"),
        mexc_api_secret=SecretStr("sim-secret"),
        live=told.live,
    )
