"""Executor: buy what dedup announces. Wiring only; every decision lives elsewhere."""

import asyncio
from functools import partial
from pathlib import Path

from executor.books import Books
from executor.composing import Composer
from executor.credentials import credentials
from executor.exchange import Exchange, open_exchange
from executor.gate import Gate
from executor.halt_watch import HaltWatch, watching_halts
from executor.handler import BuyListing
from executor.journal import Journal
from executor.market import Markets
from executor.mass_listing import MassListing
from executor.metrics import ExecutorMetrics, show_clock
from executor.moments import Moments
from executor.order import Order
from executor.outbox import Outbox
from executor.pace import Pace
from executor.placing import Placing, Ways
from executor.positions import held_live
from executor.readiness import Readiness, check_holdings, reconcile
from executor.resolver import Resolver
from executor.schedule import Schedule
from executor.settings import ExecutorSettings
from executor.stake import show_stakes
from shared.bus.typed import receives
from shared.errors import SettingsError
from shared.events import Listing, Mode, utc_now
from shared.health import Component, heartbeat
from shared.runtime import Runtime
from shared.settings import ExchangeSettings
from shared.topology import EXECUTOR_LISTINGS


async def serve(
    runtime: Runtime, settings: ExecutorSettings, venue: ExchangeSettings, data_dir: Path
) -> None:
    """Trade listings until the runtime's stop event is set; raise SettingsError for what cannot be."""
    keys = credentials(venue)
    if venue.live and keys is None:
        raise SettingsError("SNIPER_LIVE: is set, while SNIPER_MEXC_API_KEY and SNIPER_MEXC_API_SECRET are not")
    async with (
        open_exchange(venue.mexc_rest_url, keys, settings, live=venue.live) as exchange,
        watching_halts(runtime.database, settings, data_dir) as halts,
        heartbeat(component := Component("executor"), runtime.bus),
    ):
        await Executor(runtime, settings, exchange, halts, component, live=venue.live).run()


class Executor:
    """The parts of one executor, put together."""

    def __init__(
        self,
        runtime: Runtime,
        settings: ExecutorSettings,
        exchange: Exchange,
        halts: HaltWatch,
        component: Component,
        *,
        live: bool,
    ) -> None:
        self._runtime = runtime
        self._settings = settings
        self._exchange = exchange
        self._halts = halts
        self._component = component
        self._live = live
        registry = runtime.telemetry.registry
        self._metrics = ExecutorMetrics(registry)
        show_clock(exchange.clock, registry)
        self._outbox = Outbox(runtime.database, runtime.bus)
        self._books = Books(
            runtime.database, failures_max=settings.failures_max, told=self._outbox.filled, count=self._metrics.stepped
        )
        self._readiness = Readiness(exchange.clock)
        self._journal = Journal(
            runtime.database, settings, live=live, unready=self._readiness.unready, now=utc_now
        )
        moments = Moments(exchange.clock.now_ms, now=utc_now)
        markets = Markets(exchange.rest, settings)
        self._composer = Composer(markets, settings, now=utc_now, stopping=runtime.stop)
        ways = Ways(
            venues=exchange.venues,
            composer=self._composer,
            gate=Gate(halts, now=utc_now),
            pace=Pace(settings.orders_per_second),
            moments=moments,
            books=self._books,
            latch=halts.halt,
        )
        self._placing = Placing(ways, settings, now=utc_now, stopping=runtime.stop)
        self._resolver = Resolver(exchange.venues, self._books, self._placing, settings, now=utc_now)
        self._schedule = Schedule(
            self._books, self._journal, self._placing, self._composer, moments, now=utc_now
        )
