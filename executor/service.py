"""Executor service: run the parts of one executor beside each other. Wiring only."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, Never

from executor.alarms import Alarms
from executor.assembly import Parts, assemble, limiter_of
from executor.decisions.limits import MassListing
from executor.exits.environment_exits import seed
from executor.exits.watchdog import Watchdog, overdue_seconds
from executor.halts.halt_watch import HaltWatch, watching_halts
from executor.journal.announced_openings import AnnouncedOpenings
from executor.journal.held_positions import held_live
from executor.journal.order_row import Statement
from executor.journal.rehearsal import STATEMENTS, keep_rehearsed
from executor.listing_handler import BuyListing, Consequences, Lend
from executor.market_streams.market_streams import market_streams
from executor.metrics import show_clock, show_watchdog
from executor.private_stream.private_stream import PrivateStream, private_stream_of
from executor.private_stream.push_hints import Checks
from executor.reconciliation.check_prompt import CheckPrompt
from executor.reconciliation.readiness import Readiness, purchases_may_begin, reconcile
from executor.sending.order_sender import OrderDispatch
from executor.settings import ExecutorSettings, ExitSeeds
from executor.supervision.api_key_age import show_key_age
from executor.supervision.api_key_watch import ApiKeyWatch
from executor.supervision.auto_trade_expiry import keep_ending
from executor.supervision.exposure_metrics import show_exposure
from executor.supervision.health_facts import process_status, show_facts
from executor.supervision.trading_status import TradingStatusMetrics, show_trading_status
from executor.supervision.unexplained_holdings import UnexplainedHoldings
from executor.venues.credentials import credentials
from executor.venues.exchange_connections import Exchange, OpenExchange, open_exchange
from executor.venues.paper.footprint_recovery import recall_footprint
from shared.bus.drain import Run, bounded_drain, running_through
from shared.control.exchange_identity import require_exchange
from shared.errors import SettingsError
from shared.events import Listing, Trade, utc_now
from shared.mexc.orders.api_key import KeyTerms
from shared.postgres.stored_rate_usage import persisted_usage
from shared.process.heartbeat import Component, heartbeat
from shared.process.lifecycle import when_available
from shared.process.runtime import Runtime
from shared.settings import ExchangeSettings
from shared.wire.topology import EXECUTOR_LISTINGS, EXECUTOR_OPENINGS, message_handler

DRAIN_SECONDS: Final = 10.0
"""For purchases under way at a stop; those that are unsettled by then, the next start looks up."""
SALES_SECONDS: Final = 3.0
"""For sales under way after those."""


@dataclass(frozen=True, slots=True)
class ExecutorRun:
    """One executor with everything that it runs on."""

    runtime: Runtime
    settings: ExecutorSettings
    venue: ExchangeSettings
    exchange: Exchange
    parts: Parts
    halts: HaltWatch
    alarms: Alarms
    component: Component
    watchdog: Watchdog
    lend: Lend

    def show_health(self, exits: Component) -> ApiKeyWatch | None:
        """Show facts and metrics of this executor; return the watch of its API key, where there is one."""
        telemetry = self.runtime.telemetry
        terms = KeyTerms(self.venue.mexc_api_key_created, ip_bound=self.venue.mexc_api_key_ip_bound)
        show_facts(self.component, self.settings, self.exchange, self.parts.readiness, live=self.venue.live)
        account, key = self.exchange.account, None
        if account is not None:
            key = ApiKeyWatch(account, terms, self.alarms.say, now=self.exchange.now)
            self.component.add_fact("api_key", key.fact)
        exits.add_fact("worth_usdt", self.parts.exits.open_values.facts)
        self.component.add_fact("troubles", telemetry.troubles.fact)
        show_watchdog(self.watchdog, telemetry.registry)
        show_key_age(terms, telemetry.registry)
        telemetry.ready_when("executor", lambda: self.exchange.is_ready() and self.parts.readiness.reconciled)
        return key

    def start_metrics(self, tasks: asyncio.TaskGroup) -> Sequence[asyncio.Task[Never]]:
        """Start the metrics that are read from the database; the tasks end when they are cancelled."""
        runtime, exchange = self.runtime, self.exchange
        status = process_status(exchange, self.parts.readiness, self.halts, live=self.venue.live)
        metrics = TradingStatusMetrics(runtime.telemetry.registry, self.settings)
        showing = show_trading_status(runtime.database, metrics, status)
        return (
            tasks.create_task(show_exposure(runtime.database, self.parts.metrics.show_exposure), name="exposure"),
            tasks.create_task(showing, name="trading status"),
        )

    def start_background(self, tasks: asyncio.TaskGroup, key: ApiKeyWatch | None, ended: asyncio.Event) -> None:
        """Start the tasks beside trading; those that orders and positions need go on until *ended* is set."""
        runtime, exchange = self.runtime, self.exchange
        tasks.create_task(self.parts.outbox.relay(ended), name="outbox")
        tasks.create_task(self.watchdog.run(ended), name="exit watchdog")
        footprint, keep_seconds = exchange.exits.footprint, self.settings.paper_footprint_seconds
        recall = recall_footprint(runtime.database, footprint, keep_seconds, runtime.stop, now=exchange.now)
        tasks.create_task(recall, name="footprint")
        if key is not None:
            tasks.create_task(key.run(runtime.stop), name="API key")
        holdings = CheckPrompt()
        tasks.create_task(self.reconcile(holdings), name="reconciliation")
        if (stream := self.private_stream(holdings)) is not None:
            self.component.add_fact("private_stream", stream.fact)
            tasks.create_task(stream.run(ended), name="private stream")

    def private_stream(self, holdings: CheckPrompt) -> PrivateStream | None:
        """Return the account's private stream; None where nothing is sent, or it is switched off."""
        exchange, parts, settings, url = self.exchange, self.parts, self.settings, self.venue.trading_ws_url
        if not (exchange.live and exchange.account and settings.private_stream and url):
            return None
        balances = [holdings.prompt] if parts.custody is None else [holdings.prompt, parts.custody.prompt.prompt]
        checks = Checks(parts.reconciler.hint, parts.recheck.hint, balances)
        return private_stream_of(exchange.account, url, checks, settings, self.runtime.telemetry.registry)

    async def reconcile(self, prompt: CheckPrompt) -> None:
        """Settle the orders of earlier runs with the exchange; then compare the account's holdings until the stop."""
        runtime, parts, settings, account = self.runtime, self.parts, self.settings, self.exchange.account
        if not self.exchange.live or account is None:
            parts.readiness.mark_reconciled()  # Nothing is sent; orders of earlier runs are looked up all the same.
            return
        holdings = UnexplainedHoldings(
            account,
            partial(held_live, runtime.database),
            settings.other_holdings | settings.quote_assets,
            self.halts.halt,
            look_for=parts.recheck.look_for,
            alarm=self.alarms.say,
        )
        confirm_seconds = settings.holdings_confirm_seconds
        check = partial(holdings.check, runtime.stop, confirm_seconds=confirm_seconds)
        await reconcile(parts.reconciler, check, parts.readiness, runtime.stop, self.alarms.say)
        await holdings.watch(
            settings.holdings_check_seconds, runtime.stop, confirm_seconds=confirm_seconds, prompt=prompt
        )

    async def trade(self) -> None:
        """Consume listings until the stop, then finish the orders under way; positions are watched until those end."""
        runtime, parts = self.runtime, self.parts
        async with (
            running_through(self.caretakers(), drain_seconds=SALES_SECONDS),
            bounded_drain("purchases") as drain,
            asyncio.TaskGroup() as under_way,
        ):
            dispatch = OrderDispatch(parts.sender, under_way, parts.metrics.committed, now=parts.now)
            consequences = Consequences(dispatch, parts.schedule.changed.set, self.halts.halt)
            mass_listing = MassListing(self.settings.listings_per_minute_max)
            buy = BuyListing(parts.decisions, mass_listing, consequences, parts.metrics, self.settings, now=parts.now)

            async def handle(listing: Listing) -> Sequence[Trade]:
                self.component.saw_event(utc_now())
                return await buy(listing)

            under_way.create_task(parts.repeater.run(parts.sender, runtime.stop), name="further attempts")
            hold_seconds, age_max = self.settings.reconcile_hold_seconds, self.settings.listing_age_seconds
            await purchases_may_begin(runtime.database, parts.readiness, runtime.stop, hold_seconds=hold_seconds)
            under_way.create_task(parts.schedule.run(runtime.stop), name="schedule")
            announced = AnnouncedOpenings(runtime.database, buy.missed, age_seconds_max=age_max, now=parts.now)
            under_way.create_task(announced.run(runtime.stop), name="announced")
            news = message_handler(Listing, handle)
            under_way.create_task(runtime.bus.consume(EXECUTOR_OPENINGS, news, until=runtime.stop), name="openings")
            with self.lend(buy, under_way):
                await runtime.bus.consume(EXECUTOR_LISTINGS, news, until=runtime.stop)
            drain.reschedule(asyncio.get_running_loop().time() + DRAIN_SECONDS)

    def caretakers(self) -> Mapping[str, Run]:
        """Return what looks after the orders and positions that there are already, by name."""
        parts = self.parts
        runs: dict[str, Run] = {
            "order reconciler": parts.reconciler.run,
            "exits": partial(parts.exits.run, self.watchdog),
            "daily loss": parts.daily_loss.run,
            "end of auto_trade": partial(keep_ending, self.runtime.database, now=parts.now),
            "recheck": parts.recheck.run,
            "operator settlement": parts.operator_settlement.run,
            "fee prices": parts.fee_prices.run,
        }
        if parts.custody is not None:
            runs["balance check"] = parts.custody.run
        return runs


async def serve(
    runtime: Runtime,
    settings: ExecutorSettings,
    venue: ExchangeSettings,
    data_dir: Path,
    *,
    seeds: ExitSeeds | None = None,
    open_exchange: OpenExchange = open_exchange,
    lend: Lend | None = None,
    rehearsed: Sequence[Statement] = STATEMENTS,
) -> None:
    """Trade listings until the runtime's stop event is set; raise SettingsError for contradictory settings.

    *lend* is given the handler of listings while it may buy, for a way to it beside the broker, and the statements of
    both ways are *rehearsed*. Without it, the way from the broker is.
    """
    keys = credentials(venue)
    if venue.live and keys is None:
        raise SettingsError("SNIPER_LIVE: needs SNIPER_MEXC_API_KEY and SNIPER_MEXC_API_SECRET")
    await when_available("exchange", partial(require_exchange, runtime.database, venue.mexc_rest_url), runtime.stop)
    if seeds is not None:
        await when_available("configuration", partial(seed, runtime.database, seeds), runtime.stop)
    component, exits = Component("executor"), Component("exits")
    watchdog = Watchdog(exits, overdue_seconds=overdue_seconds(settings))
    limiter = limiter_of(settings, runtime.telemetry.registry)
    async with (
        persisted_usage(runtime.database, "executor", limiter),
        runtime.refusals.shared(limiter),
        open_exchange(venue.mexc_rest_url, keys, settings, limiter, live=venue.live) as opened,
        watching_halts(runtime.database, settings, data_dir) as halts,
        heartbeat(component, runtime.bus),
        heartbeat(exits, runtime.bus),
    ):
        alarms = Alarms(component, runtime.telemetry.registry)
        streams = market_streams(venue.trading_ws_url, settings, runtime.telemetry.registry)
        exchange = opened if streams is None else opened.with_streams(streams)
        if streams is not None:
            exits.add_fact("prices", streams.facts)
        parts = assemble(runtime, settings, exchange, halts, alarms, Readiness(exchange.clock))
        show_clock(exchange.clock, runtime.telemetry.registry)
        lending = lend or parts.rehearsal.lend
        run = ExecutorRun(runtime, settings, venue, exchange, parts, halts, alarms, component, watchdog, lending)
        key, ended = run.show_health(exits), asyncio.Event()
        async with asyncio.TaskGroup() as beside:
            rehearsal = beside.create_task(keep_rehearsed(runtime.database, rehearsed), name="rehearsal")
            showing = (*run.start_metrics(beside), rehearsal)
            run.start_background(beside, key, ended)
            await run.trade()
            for task in showing:
                task.cancel()
            ended.set()
            parts.outbox.filled()
