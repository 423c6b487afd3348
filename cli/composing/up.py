"""`sniper up`: every service in one process, with listings and trades shown on the terminal."""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import httpx
import structlog
from rich.console import Console

from api.operator import trade_config
from api.settings import ApiSettings
from cli import process
from cli.access import tokens
from cli.composing import first_run, list_coins, services, simulator_process
from cli.composing.express.service import ExpressTerms
from cli.composing.express.service import serve as serve_express
from cli.composing.express.settings import ExpressSettings
from cli.composing.greeting import Greeting
from cli.composing.services import Serve
from cli.composing.simulate import settings as simulator_settings
from cli.display import overview
from cli.display.live_screen import LiveScreen
from executor.exits.environment_exits import plant
from executor.service import serve as serve_executor
from executor.settings import ExecutorSettings, ExitSeeds
from ingest.settings import IngestSettings
from shared.control.exchange_identity import require_exchange
from shared.control.exit_policy import ExitPolicy
from shared.errors import SettingsError, TransientError, pause
from shared.process.heartbeat import SHUTDOWN_REPORT_SECONDS
from shared.process.lifecycle import StoppedWhileWaitingError
from shared.process.runtime import Runtime
from shared.settings import ExchangeSettings, load

log = structlog.get_logger(__name__)

STATE: Final = "simulator.sqlite"
"""The simulator's state file, in the data directory."""
NOTIFIER: Final = "notifier"
PERSISTER: Final = "persister"
FINAL_HEALTH_POLL_SECONDS: Final = 0.02
UNENDED: Final = """
SELECT count(*) FROM bot_health WHERE status IN ('running', 'degraded') AND component_name <> $1
"""


async def run_services(
    chosen: Mapping[str, Serve], runtime: Runtime, exchange_instead: ExchangeSettings | None = None
) -> None:
    """Run these services in this process until the runtime's stop event is set or one of them fails.

    The persister ends last: it stores the last events of the others, their final health reports among them.
    """
    lasting = replace(runtime, stop=asyncio.Event())
    async with asyncio.TaskGroup() as storing:
        if PERSISTER in chosen:
            storing.create_task(chosen[PERSISTER](lasting, exchange_instead), name=PERSISTER)
        try:
            async with asyncio.TaskGroup() as running:
                for name in (each for each in chosen if each != PERSISTER):
                    service = chosen[name](runtime, exchange_instead)
                    running.create_task(_ended_alone(service) if name == NOTIFIER else service, name=name)
            await runtime.stop.wait()
            await _wait_for_final_health(lasting)
        finally:
            lasting.stop.set()


async def _ended_alone(service: Coroutine[Any, Any, None]) -> None:
    """Run *service*, and end nothing else where it fails: nothing is detected, bought or sold by it."""
    try:
        await service
    except (SettingsError, StoppedWhileWaitingError):
        raise
    except Exception:
        log.exception("a service has ended by itself; the others go on")


async def _wait_for_final_health(lasting: Runtime) -> None:
    """Return once the final health report of every component but the persister is stored, or after a timeout."""
    with suppress(TransientError, TimeoutError):
        async with asyncio.timeout(SHUTDOWN_REPORT_SECONDS):
            while True:
                async with lasting.database.connection() as connection:
                    if not await connection.fetchval(UNENDED, PERSISTER):
                        return
                await pause(FINAL_HEALTH_POLL_SECONDS, lasting.stop)


@dataclass(frozen=True, slots=True)
class _RunTerms:
    """Exchange, executor settings and prices of a run."""

    venue: ExchangeSettings
    executor: ExecutorSettings
    prices: overview.PriceSource = overview.no_prices
    speed: float | None = None
    """Of the simulator's scenarios; None on a real exchange."""


async def up(exchange_name: str, stop: asyncio.Event) -> None:
    """Run every service in this process and show listings and trades, until *stop*."""
    console, settings = Console(highlight=False), process.ProcessSettings.load().quiet()
    names = services.configured_services()
    plan = process.ProcessPlan("up", services=names, migrate=True)
    chosen, terms = services.prepare(names), _RunTerms(load(ExchangeSettings), load(ExecutorSettings))
    way = load(ExpressSettings)
    data_dir = settings.data.data_dir
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(process.start_process(plan, settings, stop))
        if exchange_name == "simulator":
            terms = await _simulated(stack, data_dir, terms.executor)
        await require_exchange(own.runtime.database, terms.venue.mexc_rest_url)
        if terms.speed is not None:
            # The exits of a first run, unless exits were ever set.
            exits_at_first = first_run.exits_at_first(load(ExitSeeds), speed=terms.speed or 1.0)
            await plant(own.runtime.database, exits_at_first, first_run.AUTHOR)
        chosen = _trading(chosen, terms.executor, data_dir, way)
        way_in, base = await tokens.sign_in_url(own.runtime.database), tokens.base_url(load(ApiSettings))
        exits = ExitPolicy.model_validate(await trade_config.read(own.runtime.database))
        metrics = tokens.reachable_at(settings.telemetry.metrics_host, own.metrics_port)
        greeting = Greeting(way_in, base, terms.venue, metrics, terms.executor, exits, terms.speed)
        for line in greeting.lines():
            console.print(line, soft_wrap=True)
        ready = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(run_services(chosen, own.runtime, terms.venue), name="services")
            screen = LiveScreen(console, own.runtime.database, terms.prices)
            tasks.create_task(screen.show(ready, stop), name="screen")
            await process.until_ready(own.runtime)
            ready.set()
            if terms.speed is not None:
                waits = first_run.listing_intervals(terms.speed)
                listing = list_coins.keep_listing(terms.venue.mexc_rest_url, waits, stop=stop)
                tasks.create_task(listing, name="newcomers")


async def _simulated(stack: AsyncExitStack, data_dir: Path, executor: ExecutorSettings) -> _RunTerms:
    """Start a simulator with its state in *data_dir*, with the profile of a first run."""
    own = simulator_settings(())
    state = own.state_file or data_dir / STATE
    venue = await stack.enter_async_context(
        simulator_process.run_simulator(f"--state-file={state}", *first_run.simulator_options(own))
    )
    client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
    return _RunTerms(
        venue,
        first_run.with_profile(executor),
        overview.simulated_prices(venue.mexc_rest_url, client),
        own.scenario_speed,
    )


def _trading(
    chosen: Mapping[str, Serve], settings: ExecutorSettings, data_dir: Path, way: ExpressSettings
) -> Mapping[str, Serve]:
    """Return the services with an executor of these *settings*, by the express *way* together with ingest."""
    ordinary, seeds = load(ExchangeSettings), load(ExitSeeds)
    if not way.express:
        return {
            **chosen,
            "executor": lambda runtime, instead: serve_executor(
                runtime, settings, instead or ordinary, data_dir, seeds=seeds
            ),
        }
    terms = ExpressTerms(load(IngestSettings), settings, seeds, data_dir, way)
    others = {name: serve for name, serve in chosen.items() if name not in services.EXPRESS_PARTS}
    return {**others, services.EXPRESS: lambda runtime, instead: serve_express(runtime, terms, instead or ordinary)}
