"""The parts of one executor, put together: the only place that makes them."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from prometheus_client import CollectorRegistry

from executor.alarms import Alarms
from executor.exits.market_access import MarketAccess
from executor.exits.monitor import ExitMonitor
from executor.exits.sale_orders import FreeBalances, SaleOrders
from executor.exits.sellability_probe import SaleTest
from executor.exits.suspensions import PassesTest
from executor.halts.halt_watch import HaltWatch
from executor.journal.attempt_writer import AttemptWriter
from executor.journal.decision_writer import DecisionWriter
from executor.journal.order_transitions import OrderTransitions
from executor.journal.outbox import Outbox
from executor.market_data.market_views import MarketViews
from executor.market_data.position_prices import PositionPrices, RecentBooks
from executor.market_data.symbol_rules import SymbolRules
from executor.metrics import ExecutorMetrics
from executor.model import Order, OrderUpdate
from executor.openings.opening_time_lookup import OpeningQuestion
from executor.openings.scheduler import OpeningScheduler
from executor.rate_limits.limiter_metrics import LimiterMetrics
from executor.rate_limits.order_slots import OrderSlots
from executor.rate_limits.rate_budget import RateBudget, RateLimits
from executor.rate_limits.rate_limiter import RateLimiter
from executor.rate_limits.sliding_window import Priority
from executor.reconciliation.balance_check import BalanceCheck
from executor.reconciliation.fee_charges import FeeCharges
from executor.reconciliation.fee_prices import FeePrices
from executor.reconciliation.given_up_orders import GivenUpOrders
from executor.reconciliation.operator_settlement import OperatorSettlement
from executor.reconciliation.order_reconciler import OrderReconciler
from executor.reconciliation.readiness import Readiness
from executor.rehearsal.purchase_rehearsal import PurchaseRehearsal, Quiet
from executor.sending.absence_check import AbsenceCheck
from executor.sending.inert_sending import inert
from executor.sending.last_balances import LastBalances
from executor.sending.order_sender import OrderSender
from executor.sending.presend_check import ExchangeTime, PresendCheck
from executor.sending.purchase_decisions import PurchaseDecisions
from executor.sending.purchase_repeater import PurchaseRepeater
from executor.sending.request_attempts import RequestAttempts
from executor.sending.request_builder import Ask, RequestBuilder, no_question
from executor.sending.sending_parts import SendingParts
from executor.settings import ExecutorSettings
from executor.supervision.daily_loss_breaker import DailyLossBreaker
from executor.venues.exchange_connections import Exchange
from shared.events import Mode, Side
from shared.mexc.orders.order_connection import LINES, SALES_AT_ONCE
from shared.mexc.weights import INFO_PATH, Pool, cost_of
from shared.process.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Parts:
    """The tasks of an executor, and the parts that they share."""

    now: Callable[[], datetime]
    metrics: ExecutorMetrics
    outbox: Outbox
    readiness: Readiness
    journal: DecisionWriter
    decisions: PurchaseDecisions
    transitions: OrderTransitions
    attempts: AttemptWriter
    builder: RequestBuilder
    balances: LastBalances | None
    """Where there is an account."""
    sender: OrderSender
    repeater: PurchaseRepeater
    reconciler: OrderReconciler
    recheck: GivenUpOrders
    operator_settlement: OperatorSettlement
    schedule: OpeningScheduler
    exits: ExitMonitor
    custody: BalanceCheck | None
    rehearsal: PurchaseRehearsal
    daily_loss: DailyLossBreaker
    fee_prices: FeePrices


def limiter_of(settings: ExecutorSettings, registry: CollectorRegistry) -> RateLimiter:
    """Make the one limiter of this process."""
    limits = RateLimits(
        address_weight=settings.weight_per_10_seconds,
        address_requests=settings.requests_per_second,
        key_weight=settings.key_weight_per_10_seconds,
        key_requests=settings.key_requests_per_second,
        orders=settings.orders_per_second,
    )
    weight_max = {Pool.ADDRESS: limits.address_weight, Pool.KEY: limits.key_weight}
    return RateLimiter(RateBudget(limits), LimiterMetrics(registry, weight_max))


def assemble(
    runtime: Runtime, settings: ExecutorSettings, exchange: Exchange, halts: HaltWatch, alarms: Alarms, ready: Readiness
) -> Parts:
    """Make every part of an executor on *exchange*; nothing runs yet."""
    base = _Base(runtime, settings, exchange, halts, alarms)
    database, now, max_wait = runtime.database, exchange.now, timedelta(hours=settings.opening_horizon_hours)
    transitions, builder = base.transitions(), base.builder()
    attempts = AttemptWriter(
        database,
        live=exchange.live,
        unready=ready.unready,
        outbox_filled=base.outbox.filled,
        count=base.metrics.stepped,
        now=now,
    )
    journal = DecisionWriter(database, settings, outbox_filled=base.outbox.filled, now=now)
    decisions = PurchaseDecisions(journal, settings, live=exchange.live, unready=ready.unready, now=now)
    repeater = PurchaseRepeater(attempts, builder, exchange.sending, settings, now=now, stopping=runtime.stop)
    sender = base.sender(builder, transitions, repeater)
    monitor = base.monitor(SaleOrders(journal, sender, base.free(), base.slots))
    quiet = Quiet(database.has_idle, (decisions.is_deciding, monitor.is_selling, sender.is_sending))
    return Parts(
        now=now,
        metrics=base.metrics,
        outbox=base.outbox,
        readiness=ready,
        journal=journal,
        decisions=decisions,
        transitions=transitions,
        attempts=attempts,
        builder=builder,
        balances=base.balances,
        sender=sender,
        repeater=repeater,
        reconciler=OrderReconciler(exchange.venues, transitions, sender, settings, now=now, alert=alarms.needed),
        recheck=GivenUpOrders(exchange.venues, transitions, sender, attempts=attempts, now=now),
        operator_settlement=OperatorSettlement(database, transitions, sender, now=now),
        schedule=OpeningScheduler(transitions, decisions, sender, builder, base.clock, max_wait=max_wait),
        exits=monitor,
        custody=base.custody(),
        rehearsal=PurchaseRehearsal(settings, quiet, now=now),
        daily_loss=DailyLossBreaker(database, monitor.fair_values, every_seconds=settings.exit_check_seconds, now=now),
        fee_prices=base.fee_prices(),
    )


class _Base:
    """The surroundings of the parts, and makers of those that take several others."""

    def __init__(
        self, runtime: Runtime, settings: ExecutorSettings, exchange: Exchange, halts: HaltWatch, alarms: Alarms
    ) -> None:
        self._runtime, self._settings, self._exchange = runtime, settings, exchange
        self._halts, self._alarms = halts, alarms
        self.stopping = {Side.BUY: runtime.stop, Side.SELL: asyncio.Event()}
        self.metrics = ExecutorMetrics(runtime.telemetry.registry, now=exchange.now)
        self.outbox = Outbox(runtime.database, runtime.bus, alarm=alarms.say)
        self.balances = None if exchange.exits.account is None else LastBalances(exchange.exits.account)
        self.clock = ExchangeTime(exchange.clock.now_ms, now=exchange.now)
        self.slots = OrderSlots(exchange.limiter, at_once={Side.BUY: LINES, Side.SELL: SALES_AT_ONCE})
        self._known = SymbolRules(settings.rules_age_seconds)
        self._recent = RecentBooks()
        footprint = exchange.exits.footprint
        self._markets = MarketViews(exchange.rest, settings, footprint=footprint, known=self._known)
        self._selling_markets = MarketViews(
            exchange.exits.rest, settings, footprint=footprint, known=self._known, recent=self._recent
        )

    def transitions(self) -> OrderTransitions:
        return OrderTransitions(
            self._runtime.database,
            self._settings,
            outbox_filled=self.outbox.filled,
            count=partial(_recorded, self.metrics, FeeCharges(self._known, self._settings, self._alarms.say)),
            now=self._exchange.now,
            alarm=self._alarms.say,
        )

    def builder(self) -> RequestBuilder:
        return RequestBuilder(
            self._markets,
            self._settings,
            selling=self._selling_markets,
            ask=_question(self._exchange, self._settings, self._markets),
            now=self._exchange.now,
            stopping=self.stopping,
        )

    def sender(self, builder: RequestBuilder, transitions: OrderTransitions, repeater: PurchaseRepeater) -> OrderSender:
        exchange, settings, now, slots = self._exchange, self._settings, self._exchange.now, self.slots
        parts = SendingParts(
            venues=exchange.sending,
            builder=builder,
            presend=PresendCheck(self._halts, self._known.openings, settings, now=now),
            slots=slots,
            time=self.clock,
            absence=AbsenceCheck(exchange.venues, slots, self.clock, settings, balances=self.balances, now=now),
            sent=self.metrics.sent,
        )
        attempts = RequestAttempts(parts, settings, now=now, stopping=self.stopping, inert=inert(parts, exchange))
        return OrderSender(attempts, slots, transitions, repeater, latch=self._halts.halt, now=now)

    def free(self) -> Mapping[Mode, FreeBalances | None]:
        """Return the balances that could be sold, by the modes whose positions can be sold."""
        free = None if self.balances is None else FreeBalances(self.balances)
        return {mode: free if mode is Mode.LIVE else None for mode in self._exchange.sending}

    def monitor(self, selling: SaleOrders) -> ExitMonitor:
        exchange, settings, ways = self._exchange, self._settings, self._exchange.exits
        access = MarketAccess(
            self._selling_markets,
            PositionPrices(ways.watching, ways.rest, self._recent),
            _sale_test(exchange, settings, self._selling_markets) if exchange.live else None,
            apart=partial(exchange.limiter.apart_seconds, Priority.WATCH, Pool.ADDRESS),
            streams=ways.streams,
            judged=self.metrics.judged,
        )
        return ExitMonitor(self._runtime.database, access, selling, self._halts, settings, now=exchange.now)

    def custody(self) -> BalanceCheck | None:
        account = self._exchange.account if self._exchange.live else None
        return None if account is None else BalanceCheck(self._runtime.database, account, self._settings)

    def fee_prices(self) -> FeePrices:
        last_price = MarketViews(self._exchange.spare, self._settings).last_prices.read
        return FeePrices(self._runtime.database, last_price, now=self._exchange.now)


def _recorded(metrics: ExecutorMetrics, charges: FeeCharges, order: Order, update: OrderUpdate) -> None:
    metrics.stepped(order, update.reason)
    charges.check(order, update)


def _question(exchange: Exchange, settings: ExecutorSettings, markets: MarketViews) -> Ask:
    """Return the question for openings, asked with the unreserved rest of the limits."""
    if exchange.infos is None:
        return no_question
    has_room = partial(exchange.limiter.has_room, Priority.OTHER, cost_of("GET", INFO_PATH))
    return OpeningQuestion(
        exchange.infos.symbol_rules, markets.rules.take_in, has_room=has_room, seconds_max=settings.opening_ask_seconds
    )


def _sale_test(exchange: Exchange, settings: ExecutorSettings, markets: MarketViews) -> PassesTest | None:
    trading, admission = exchange.exits.trading, exchange.limiter.admission(Priority.EXIT)
    if trading is None:
        return None
    return SaleTest(trading, exchange.clock, admission, settings, rules=markets.rules.latest, now=exchange.now).passes
