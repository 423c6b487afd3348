"""Running services: one (`sniper run`), or every one in this process (`sniper up`)."""

import asyncio
import os
import sys
from collections.abc import Callable, Collection, Coroutine, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import which
from types import MappingProxyType

from rich.console import Console

import api.service
import dedup.service
import executor.service
import ingest.service
import persister.service
from api.settings import ApiSettings
from cli import exchange, newcomers, process, watch
from dedup.settings import DedupSettings
from executor.settings import ExecutorSettings
from ingest.settings import IngestSettings
from persister.settings import PersisterSettings
from shared.runtime import Runtime
from shared.settings import DataSettings, ExchangeSettings, load


@dataclass(frozen=True, slots=True)
class Choices:
    """What the services of one process are told, beside what they are handed."""

    venue: ExchangeSettings
    data_dir: Path
    ingest: IngestSettings
    dedup: DedupSettings
    executor: ExecutorSettings
    persister: PersisterSettings
    api: ApiSettings

    @classmethod
    def load(cls) -> "Choices":
        """Read all of it from the environment; raise SettingsError naming each bad variable."""
        return cls(
            load(ExchangeSettings),
            load(DataSettings).data_dir,
            load(IngestSettings),
            load(DedupSettings),
            load(ExecutorSettings),
            load(PersisterSettings),
            load(ApiSettings),
        )


Serve = Callable[[Runtime, Choices], Coroutine[None, None, None]]

SERVICES: Mapping[str, Serve] = MappingProxyType(
    {
        "persister": lambda runtime, told: persister.service.serve(runtime, told.persister),
        "dedup": lambda runtime, told: dedup.service.serve(runtime, told.dedup),
        "executor": lambda runtime, told: executor.service.serve(runtime, told.executor, told.venue, told.data_dir),
        "ingest": lambda runtime, told: ingest.service.serve(runtime, told.ingest, told.venue),
        "api": lambda runtime, told: api.service.serve(runtime, told.api),
    }
)
LIST_EVERY_SECONDS = 15
"""How often the simulator lists a coin for a newcomer to watch."""


async def run_service(name: str, stop: asyncio.Event) -> None:
    """Run one service until *stop*: what a container runs."""
    plan, settings = process.Plan(name, services=(name,), migrate=False), process.ProcessSettings.load()
    told = Choices.load()
    async with process.started(plan, settings, stop) as own:
        await run_services([name], own.runtime, told)


async def run_services(names: Collection[str], runtime: Runtime, told: Choices) -> None:
    """Run these services in this process until the runtime's stop event is set or one of them fails."""
    async with asyncio.TaskGroup() as services:
        for name in names:
            services.create_task(SERVICES[name](runtime, told), name=name)


async def up(exchange_name: str, stop: asyncio.Event) -> None:
    """Run every service in this process and show listings and trades as they happen, until *stop*."""
    console, settings = Console(), process.ProcessSettings.load().quiet()
    plan, simulating = process.Plan("up", services=tuple(SERVICES), migrate=True), exchange_name == "simulator"
    told = Choices.load()
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(process.started(plan, settings, stop))
        if simulating:
            told = replace(told, venue=await stack.enter_async_context(exchange.simulated()))
        _introduce(console, own, told.venue, simulating=simulating)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run_services(SERVICES, own.runtime, told), name="services")
            tasks.create_task(watch.show(console, own.runtime.database, stop), name="feed")
            if simulating:
                tasks.create_task(_show_newcomers(own.runtime, told.venue), name="newcomers")


async def _show_newcomers(runtime: Runtime, venue: ExchangeSettings) -> None:
    ready = process.until_ready(runtime)
    every = LIST_EVERY_SECONDS
    await newcomers.keep_listing(venue.mexc_rest_url, every_seconds=every, when_ready=ready, stop=runtime.stop)


def _introduce(console: Console, own: process.Process, venue: ExchangeSettings, *, simulating: bool) -> None:
    settings, command = load(ApiSettings), _command()
    base = f"http://{settings.host}:{settings.port}"
    mode = "[red]able to trade live[/], once auto_trade is on" if venue.live else "dry-run"
    console.print(f"[bold]sniper[/] is up, {mode}, against {venue.mexc_rest_url}")
    console.print(f"  listings  {base}/listings")
    console.print(f"  trades    {base}/trades")
    console.print(f"  health    {base}/health")
    console.print(f"  metrics   http://127.0.0.1:{own.metrics_port}/metrics")
    console.print(f"  more      {command} status, {command} inject SYMBOL, {command} --help (in another terminal)")
    if simulating:
        console.print(f"The simulator lists a coin every {LIST_EVERY_SECONDS} s. Ctrl-C stops.")


def _command() -> str:
    """Return what somebody in this directory types to call us."""
    return "sniper" if which("sniper") else os.path.relpath(sys.argv[0])
