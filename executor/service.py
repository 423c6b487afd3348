"""Executor: buy what dedup announces, once, within limits, or not at all. Wiring only; decisions live elsewhere."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from executor.assembly import Parts, assemble
from executor.credentials import credentials
from executor.exchange import Exchange, OpenExchange, open_exchange
from executor.halt_watch import HaltWatch, watching_halts
from executor.handler import BuyListing, Desk
from executor.mass_listing import MassListing
from executor.metrics import show_vigil
from executor.order import Order
from executor.positions import held_live
from executor.readiness import check_holdings, reconcile
from executor.settings import ExecutorSettings
from executor.stake import show_stakes
from executor.vigil import Vigil, overdue_seconds
from shared.bus.typed import receives
from shared.errors import SettingsError
from shared.events import Listing, Trade, utc_now
from shared.health import Component, heartbeat
from shared.runtime import Runtime
from shared.settings import ExchangeSettings
from shared.topology import EXECUTOR_LISTINGS

DRAIN_SECONDS: Final = 10.0
"""For orders under way when the service is asked to stop; what is not known by then, the next start looks up."""


async def serve(
    runtime: Runtime,
    settings: ExecutorSettings,
    venue: ExchangeSettings,
    data_dir: Path,
    *,
    open_exchange: OpenExchange = open_exchange,
) -> None:
    """Trade listings until the runtime's stop event is set; raise SettingsError for what cannot be."""
    keys = credentials(venue)
    if venue.live and keys is None:
        raise SettingsError("SNIPER_LIVE: needs SNIPER_MEXC_API_KEY and SNIPER_MEXC_API_SECRET")
    component, exits = Component("executor"), Component("exits")
    vigil = Vigil(exits, overdue_seconds=overdue_seconds(settings))
    async with (
        open_exchange(venue.mexc_rest_url, keys, settings, live=venue.live) as exchange,
        watching_halts(runtime.database, settings, data_dir) as halts,
        heartbeat(component, runtime.bus),
        heartbeat(exits, runtime.bus),
    ):
        parts = assemble(runtime, settings, exchange, halts, live=venue.live)
        show_vigil(vigil, runtime.telemetry.registry)
        runtime.telemetry.ready_when("executor", lambda: exchange.is_ready() and parts.readiness.reconciled)
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as beside:
            showing = beside.create_task(show_stakes(runtime.database, parts.metrics), name="stakes")
            beside.create_task(parts.outbox.relay(ended), name="outbox")
            beside.create_task(vigil.keep(runtime.stop), name="vigil")
            await _reconciled(runtime, settings, exchange, parts, halts)
            await _trade(runtime, settings, parts, halts, component, vigil)
            showing.cancel()
            ended.set()
            parts.outbox.filled()


async def _reconciled(
    runtime: Runtime, settings: ExecutorSettings, exchange: Exchange, parts: Parts, halts: HaltWatch
) -> None:
    """Settle with the exchange what earlier runs left, before the first listing is looked at."""
    if not exchange.live or exchange.account is None:
        parts.readiness.reconciled = True  # Nothing is sent; what was sent before is looked up all the same.
        return
    others = settings.other_holdings | settings.quote_assets
    check = partial(check_holdings, exchange.account, partial(held_live, runtime.database), others, halts.halt)
    await reconcile(parts.resolver, check, parts.readiness, runtime.stop)


async def _trade(
    runtime: Runtime,
    settings: ExecutorSettings,
    parts: Parts,
    halts: HaltWatch,
    component: Component,
    vigil: Vigil,
) -> None:
    """Consume listings until told to stop, then see to its end what is under way."""
    async with asyncio.timeout(None) as drain, asyncio.TaskGroup() as under_way:

        def send(order: Order) -> None:
            under_way.create_task(parts.placing.place(order), name=f"order-{order.symbol}")

        desk = Desk(parts.placing.prepare, send, parts.schedule.changed.set, halts.halt)
        buy = BuyListing(parts.journal, MassListing(settings.listings_per_minute_max), desk, parts.metrics, now=utc_now)

        async def handle(listing: Listing) -> Sequence[Trade]:
            component.saw_event(utc_now())
            return await buy(listing)

        under_way.create_task(parts.schedule.run(runtime.stop), name="schedule")
        under_way.create_task(parts.resolver.run(runtime.stop), name="resolver")
        under_way.create_task(parts.exits.run(vigil, runtime.stop), name="exits")
        await runtime.bus.consume(EXECUTOR_LISTINGS, receives(Listing, handle), until=runtime.stop)
        drain.reschedule(asyncio.get_running_loop().time() + DRAIN_SECONDS)
