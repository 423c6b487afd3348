"""The parts of one executor, put together: the only place that makes them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from prometheus_client import CollectorRegistry

from executor.alarms import Alarms
from executor.exits.market_access import MarketAccess
from executor.exits.monitor import ExitMonitor
from executor.exits.sale_orders import FreeBalances, SaleOrders
from executor.exits.sale_test import SaleTest
from executor.exits.suspensions import PassesTest
from executor.halts.watch import HaltWatch
from executor.journal.attempt_writer import AttemptWriter
from executor.journal.decision_writer import DecisionWriter
from executor.journal.order_transitions import OrderTransitions
from executor.journal.outbox import Outbox
from executor.market_data.market_views import Markets
from executor.market_data.position_prices import PositionPrices, RecentBooks
from executor.market_data.symbol_rules import SymbolRules
from executor.metrics import ExecutorMetrics
from executor.model.order import Order
from executor.model.order_update import OrderUpdate
from executor.openings.opening_question import OpeningQuestion
from executor.openings.scheduler import OpeningScheduler
from executor.purchase_decisions import PurchaseDecisions
from executor.rate_limits.limiter_metrics import LimiterMetrics
from executor.rate_limits.order_slots import OrderSlots
from executor.rate_limits.rate_budget import Limits, RateBudget
from executor.rate_limits.rate_limiter import RateLimiter
from executor.rate_limits.sliding_window import Priority
from executor.reconciliation.balance_check import BalanceCheck
from executor.reconciliation.fee_charges import FeeCharges
from executor.reconciliation.fee_prices import FeePrices
from executor.reconciliation.given_up_orders import GivenUpOrders
from executor.reconciliation.operator_settlement import OperatorSettlement
from executor.reconciliation.order_reconciler import OrderReconciler
from executor.reconciliation.readiness import Readiness
from executor.sending.absence_check import AbsenceCheck
from executor.sending.exchange_time import ExchangeTime
from executor.sending.last_balances import LastBalances
from executor.sending.order_sender import OrderSender, Ways
from executor.sending.presend_check import PresendCheck
from executor.sending.purchase_repeater import PurchaseRepeater
from executor.sending.request_builder import Ask, RequestBuilder, ask_nobody
from executor.settings import ExecutorSettings
from executor.supervision.daily_loss_breaker import DailyLossBreaker
from executor.venues.exchange_connections import Exchange
from shared.events import Mode, Side
from shared.mexc.orders.order_connection_pool import LINES, SALES_AT_ONCE
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
    """The same, where its coins can be sold."""
    daily_loss: DailyLossBreaker
    fee_prices: FeePrices | None


def limiter_of(settings: ExecutorSettings, registry: CollectorRegistry) -> RateLimiter:
    """Make the one limiter of this process."""
    limits = Limits(
        address_weight=settings.weight_per_10_seconds,
        address_requests=settings.requests_per_second,
        key_weight=settings.key_weight_per_10_seconds,
        key_requests=settings.key_requests_per_second,
        orders=settings.orders_per_second,
    )
    weight_max = {Pool.ADDRESS: limits.address_weight, Pool.KEY: limits.key_weight}
    return RateLimiter(RateBudget(limits), LimiterMetrics(registry, weight_max))


def assemble(
    runtime: Runtime,
    settings: ExecutorSettings,
    exchange: Exchange,
    halts: HaltWatch,
    alarms: Alarms,
    readiness: Readiness,
) -> Parts:
    """Make every part of an executor on *exchange*; nothing runs yet."""
    database, stopping, now = runtime.database, runtime.stop, exchange.now
    metrics = ExecutorMetrics(runtime.telemetry.registry, now=now)
    outbox = Outbox(database, runtime.bus, alarm=alarms.say)
    known = SymbolRules(settings.rules_age_seconds)
    transitions = OrderTransitions(
        database,
        settings,
        told=outbox.filled,
        count=partial(_recorded, metrics, FeeCharges(known, settings, alarms.say)),
        now=now,
        alarm=alarms.say,
    )
    journal = DecisionWriter(database, settings, told=outbox.filled, now=now)
    decisions = PurchaseDecisions(journal, settings, live=exchange.live, unready=readiness.unready, now=now)
    clock, exits = ExchangeTime(exchange.clock.now_ms, now=now), exchange.exits
    recent = RecentBooks()
    markets = Markets(exchange.rest, settings, footprint=exits.footprint, known=known)
    selling_markets = Markets(exits.rest, settings, footprint=exits.footprint, known=known, recent=recent)
    market_access = MarketAccess(
        selling_markets,
        PositionPrices(exits.watching, exits.rest, recent),
        _sale_test(exchange, settings, selling_markets) if exchange.live else None,
        apart=partial(exchange.limiter.apart_seconds, Priority.WATCH, Pool.ADDRESS),
    )
    ask = _question(exchange, settings, markets)
    builder = RequestBuilder(markets, settings, selling=selling_markets, ask=ask, now=now, stopping=stopping)
    balances = None if exits.account is None else LastBalances(exits.account)
    attempts = AttemptWriter(
        database, live=exchange.live, unready=readiness.unready, told=outbox.filled, count=metrics.stepped, now=now
    )
    repeater = PurchaseRepeater(attempts, builder, exchange.sending, settings, now=now, stopping=stopping)
    slots = OrderSlots(exchange.limiter, at_once={Side.BUY: LINES, Side.SELL: SALES_AT_ONCE})
    ways = Ways(
        venues=exchange.sending,
        builder=builder,
        presend=PresendCheck(halts, known.openings, settings, now=now),
        slots=slots,
        time=clock,
        absence=AbsenceCheck(exchange.venues, slots, clock, settings, balances=balances, now=now),
        transitions=transitions,
        repeater=repeater,
        latch=halts.halt,
        sent=metrics.sent,
    )
    sender = OrderSender(ways, settings, now=now, stopping=stopping)
    patience = timedelta(hours=settings.opening_horizon_hours)
    schedule = OpeningScheduler(transitions, decisions, sender, builder, clock, patience=patience)
    free = None if balances is None else FreeBalances(balances).of
    selling = SaleOrders(journal, sender, {mode: free if mode is Mode.LIVE else None for mode in exchange.sending})
    account = exchange.account if exchange.live else None
    custody = None if account is None else BalanceCheck(database, account, settings)
    monitor, spare = ExitMonitor(database, market_access, selling, halts, settings, now=now), exchange.spare
    fee_prices = None if spare is None else FeePrices(database, Markets(spare, settings).last_price, now=now)
    return Parts(
        now=now,
        metrics=metrics,
        outbox=outbox,
        readiness=readiness,
        journal=journal,
        decisions=decisions,
        transitions=transitions,
        attempts=attempts,
        builder=builder,
        balances=balances,
        sender=sender,
        repeater=repeater,
        reconciler=OrderReconciler(exchange.venues, transitions, sender, settings, now=now, alerts=alarms),
        recheck=GivenUpOrders(exchange.venues, transitions, sender, attempts=attempts, now=now),
        operator_settlement=OperatorSettlement(database, transitions, sender, now=now),
        schedule=schedule,
        exits=monitor,
        custody=custody,
        daily_loss=DailyLossBreaker(database, monitor.fair_values, every_seconds=settings.exit_check_seconds, now=now),
        fee_prices=fee_prices,
    )


def _recorded(metrics: ExecutorMetrics, charges: FeeCharges, order: Order, update: OrderUpdate) -> None:
    metrics.stepped(order, update.reason)
    charges.mind(order, update)


def _question(exchange: Exchange, settings: ExecutorSettings, markets: Markets) -> Ask:
    """Return what asks for openings with what nobody has reserved of the limits."""
    if exchange.infos is None:
        return ask_nobody
    has_room = partial(exchange.limiter.has_room, Priority.OTHER, cost_of("GET", INFO_PATH))
    seconds_max = settings.opening_ask_seconds
    return OpeningQuestion(exchange.infos.symbol_rules, markets.take_in, has_room=has_room, seconds_max=seconds_max)


def _sale_test(exchange: Exchange, settings: ExecutorSettings, markets: Markets) -> PassesTest | None:
    trading, admission = exchange.exits.trading, exchange.limiter.admission(Priority.EXIT)
    if trading is None:
        return None
    rules = markets.rules_at_hand
    return SaleTest(trading, exchange.clock, admission, settings, rules=rules, now=exchange.now).passes
