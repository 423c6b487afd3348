"""Executor: buy what dedup announces, once, within limits, or not at all. Wiring only; decisions live elsewhere."""

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from executor.alarms import Alarms
from executor.assembly import Parts, assemble, limiter_of
from executor.decisions.mass_listing import MassListing
from executor.exits.environment_exits import seed
from executor.exits.watchdog import Watchdog, overdue_seconds
from executor.halts.watch import HaltWatch, watching_halts
from executor.handler import BuyListing, Consequences
from executor.journal.announced_openings import AnnouncedOpenings
from executor.journal.position_store import held_live
from executor.metrics import show_clock, show_vigil
from executor.reconciliation.readiness import Readiness, reconcile
from executor.sending.order_sender import OrderDispatch
from executor.settings import ExecutorSettings, ExitSeeds
from executor.supervision.api_key_age import show_key_age
from executor.supervision.api_key_watch import ApiKeyWatch
from executor.supervision.auto_trade_expiry import keep_ending
from executor.supervision.exposure_metrics import show_stakes
from executor.supervision.health_facts import show_facts, sight_of
from executor.supervision.trading_status import StandingMetrics, show_standing
from executor.supervision.unexplained_holdings import UnexplainedHoldings
from executor.venues.credentials import credentials
from executor.venues.exchange_connections import Exchange, OpenExchange, open_exchange
from executor.venues.paper.footprint_recovery import recall_footprint
from shared.backoff import pause
from shared.errors import SettingsError, TransientError
from shared.events import Listing, Trade, utc_now
from shared.mexc.orders.api_key import KeyTerms
from shared.postgres.database import Database
from shared.postgres.rate_usage import persisted_usage
from shared.process.health import Component, heartbeat
from shared.process.lifecycle import when_available
from shared.process.runtime import Runtime
from shared.settings import ExchangeSettings
from shared.wire.event_handler import message_handler
from shared.wire.topology import EXECUTOR_LISTINGS, EXECUTOR_OPENINGS

DRAIN_SECONDS: Final = 10.0
"""For orders under way when the service is asked to stop; what is not known by then, the next start looks up."""

HOLD_LOOK_SECONDS: Final = 0.25
AUTO_TRADE: Final = "SELECT coalesce((SELECT auto_trade FROM trade_config), false)"


async def serve(
    runtime: Runtime,
    settings: ExecutorSettings,
    venue: ExchangeSettings,
    data_dir: Path,
    *,
    seeds: ExitSeeds | None = None,
    open_exchange: OpenExchange = open_exchange,
) -> None:
    """Trade listings until the runtime's stop event is set; raise SettingsError for what cannot be."""
    keys = credentials(venue)
    if venue.live and keys is None:
        raise SettingsError("SNIPER_LIVE: needs SNIPER_MEXC_API_KEY and SNIPER_MEXC_API_SECRET")
    if seeds is not None:
        await when_available("configuration", partial(seed, runtime.database, seeds), runtime.stop)
    component, exits = Component("executor"), Component("exits")
    vigil = Watchdog(exits, overdue_seconds=overdue_seconds(settings))
    limiter = limiter_of(settings, runtime.telemetry.registry)
    async with (
        persisted_usage(runtime.database, "executor", limiter),
        open_exchange(venue.mexc_rest_url, keys, settings, limiter, live=venue.live) as exchange,
        watching_halts(runtime.database, settings, data_dir) as halts,
        heartbeat(component, runtime.bus),
        heartbeat(exits, runtime.bus),
    ):
        alarms = Alarms(component, runtime.telemetry.registry)
        parts = assemble(runtime, settings, exchange, halts, alarms, Readiness(exchange.clock))
        show_clock(exchange.clock, runtime.telemetry.registry)
        show_facts(component, settings, exchange, parts.readiness, live=venue.live)
        key = _key_watch(exchange, venue, alarms)
        if key is not None:
            component.add_fact("api_key", key.fact)
        exits.add_fact("worth_usdt", parts.exits.worths.facts)
        component.add_fact("troubles", runtime.telemetry.troubles.fact)
        show_vigil(vigil, runtime.telemetry.registry)
        show_key_age(_key_terms(venue), runtime.telemetry.registry)
        runtime.telemetry.ready_when("executor", lambda: exchange.is_ready() and parts.readiness.reconciled)
        ended = asyncio.Event()
        async with asyncio.TaskGroup() as beside:
            showing = beside.create_task(show_stakes(runtime.database, parts.metrics), name="stakes")
            standing = beside.create_task(
                show_standing(
                    runtime.database,
                    StandingMetrics(runtime.telemetry.registry, settings),
                    sight_of(exchange, parts.readiness, halts, live=venue.live),
                ),
                name="standing",
            )
            beside.create_task(parts.outbox.relay(ended), name="outbox")
            beside.create_task(vigil.keep(runtime.stop), name="vigil")
            recall = recall_footprint(
                runtime.database,
                exchange.exits.footprint,
                settings.paper_footprint_seconds,
                runtime.stop,
                now=exchange.now,
            )
            beside.create_task(recall, name="footprint")
            if key is not None:
                beside.create_task(key.run(runtime.stop), name="API key")
            beside.create_task(_reconciled(runtime, settings, exchange, parts, halts, alarms), name="reconciliation")
            await _trade(runtime, settings, parts, halts, component, vigil)
            showing.cancel()
            standing.cancel()
            ended.set()
            parts.outbox.filled()


def _key_watch(exchange: Exchange, venue: ExchangeSettings, alarms: Alarms) -> ApiKeyWatch | None:
    if exchange.account is None:
        return None
    return ApiKeyWatch(exchange.account, _key_terms(venue), alarms.say, now=exchange.now)


def _key_terms(venue: ExchangeSettings) -> KeyTerms:
    return KeyTerms(venue.mexc_api_key_created, ip_bound=venue.mexc_api_key_ip_bound)


async def _reconciled(
    runtime: Runtime, settings: ExecutorSettings, exchange: Exchange, parts: Parts, halts: HaltWatch, alarms: Alarms
) -> None:
    """Settle with the exchange what earlier runs left; then compare what the account holds, for as long as it runs."""
    if not exchange.live or exchange.account is None:
        parts.readiness.reconcile()  # Nothing is sent; what was sent before is looked up all the same.
        return
    holdings = UnexplainedHoldings(
        exchange.account,
        partial(held_live, runtime.database),
        settings.other_holdings | settings.quote_assets,
        halts.halt,
        look_for=parts.recheck.look_for,
        alarm=alarms.say,
    )
    confirm_seconds = settings.holdings_confirm_seconds
    check = partial(holdings.check, runtime.stop, confirm_seconds=confirm_seconds)
    await reconcile(parts.reconciler, check, parts.readiness, runtime.stop, alarms.say)
    await holdings.watch(settings.holdings_check_seconds, runtime.stop, confirm_seconds=confirm_seconds)


async def purchases_may_begin(
    database: Database, readiness: Readiness, stop: asyncio.Event, *, hold_seconds: float
) -> None:
    """Return when listings may be looked at: after the reconciliation, or where they would be bought on paper.

    They are kept waiting for *hold_seconds* at most: from then on, what would be bought live is refused.
    """
    try:
        async with asyncio.timeout(hold_seconds):
            while not (readiness.reconciled or stop.is_set() or await _is_paper(database)):
                await pause(HOLD_LOOK_SECONDS, readiness.settled)
    except TimeoutError:
        return


async def _is_paper(database: Database) -> bool:
    try:
        async with database.connection() as connection:
            return not await connection.fetchval(AUTO_TRADE)
    except TransientError:
        return False


async def _trade(
    runtime: Runtime,
    settings: ExecutorSettings,
    parts: Parts,
    halts: HaltWatch,
    component: Component,
    vigil: Watchdog,
) -> None:
    """Consume listings until told to stop, then see to its end what is under way."""
    async with asyncio.timeout(None) as drain, asyncio.TaskGroup() as under_way:
        buy = BuyListing(
            parts.decisions,
            MassListing(settings.listings_per_minute_max),
            Consequences(
                OrderDispatch(parts.sender, under_way, parts.metrics.committed),
                parts.schedule.changed.set,
                halts.halt,
            ),
            parts.metrics,
            settings,
            now=parts.now,
        )

        async def handle(listing: Listing) -> Sequence[Trade]:
            component.saw_event(utc_now())
            return await buy(listing)

        under_way.create_task(parts.reconciler.run(runtime.stop), name="resolver")
        under_way.create_task(parts.repeater.run(parts.sender, runtime.stop), name="further attempts")
        under_way.create_task(parts.exits.run(vigil, runtime.stop), name="exits")
        if parts.custody is not None:
            under_way.create_task(parts.custody.run(runtime.stop), name="custody")
        under_way.create_task(parts.daily_loss.run(runtime.stop), name="daily loss")
        if parts.fee_prices is not None:
            under_way.create_task(parts.fee_prices.run(runtime.stop), name="fee prices")
        ending = keep_ending(runtime.database, runtime.stop, now=parts.now)
        under_way.create_task(ending, name="end of auto_trade")
        under_way.create_task(parts.recheck.run(runtime.stop), name="recheck")
        under_way.create_task(parts.operator_settlement.run(runtime.stop), name="operator settlement")
        hold_seconds = settings.reconcile_hold_seconds
        await purchases_may_begin(runtime.database, parts.readiness, runtime.stop, hold_seconds=hold_seconds)
        under_way.create_task(parts.schedule.run(runtime.stop), name="schedule")
        announced = AnnouncedOpenings(runtime.database, buy.missed, now=parts.now)
        under_way.create_task(announced.run(runtime.stop), name="announced")
        news = message_handler(Listing, handle)
        under_way.create_task(runtime.bus.consume(EXECUTOR_OPENINGS, news, until=runtime.stop), name="openings")
        await runtime.bus.consume(EXECUTOR_LISTINGS, news, until=runtime.stop)
        drain.reschedule(asyncio.get_running_loop().time() + DRAIN_SECONDS)
