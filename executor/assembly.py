"""The parts of one executor, put together: the only place that makes them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from prometheus_client import CollectorRegistry

from executor.absence import Absence
from executor.alarms import Alarms
from executor.attempt_journal import AttemptJournal
from executor.books import Books, Told
from executor.charges import Charges
from executor.composing import Ask, Composer, ask_nobody
from executor.custody import Custody
from executor.daily_loss import DailyLoss
from executor.exchange import Exchange
from executor.exits import Exits
from executor.fee_prices import FeePrices
from executor.further_attempts import FurtherAttempts
from executor.gate import Gate
from executor.halt_watch import HaltWatch
from executor.journal import Journal
from executor.known_rules import KnownRules
from executor.last_balances import LastBalances
from executor.limiter import Limiter
from executor.limiter_metrics import LimiterMetrics
from executor.metrics import ExecutorMetrics, show_clock
from executor.moments import Moments
from executor.opening_question import OpeningQuestion
from executor.operator_settlement import OperatorSettlement
from executor.order import Order
from executor.outbox import Outbox
from executor.pace import Pace
from executor.placing import Placing, Ways
from executor.position_prices import PositionPrices, RecentBooks
from executor.rate_budget import Limits, RateBudget
from executor.readiness import Readiness
from executor.recheck import Recheck
from executor.reserved_window import Priority
from executor.resolver import Resolver
from executor.sale_test import SaleTest
from executor.schedule import Schedule
from executor.selling import FreeBalances, Selling
from executor.settings import ExecutorSettings
from executor.sight import Sight
from executor.suspensions import PassesTest
from executor.views import Markets
from shared.events import Mode, Side
from shared.mexc.order_lines import LINES, SALES_AT_ONCE
from shared.mexc.weights import INFO_PATH, Pool, cost_of
from shared.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs, and what the running parts are handed."""

    now: Callable[[], datetime]
    metrics: ExecutorMetrics
    outbox: Outbox
    readiness: Readiness
    journal: Journal
    placing: Placing
    further: FurtherAttempts
    resolver: Resolver
    recheck: Recheck
    operator_settlement: OperatorSettlement
    schedule: Schedule
    exits: Exits
    custody: Custody | None
    """Where there is an account whose coins can be sold."""
    daily_loss: DailyLoss
    fee_prices: FeePrices | None


def limiter_of(settings: ExecutorSettings, registry: CollectorRegistry) -> Limiter:
    """Make the one limiter of this process."""
    limits = Limits(
        address_weight=settings.weight_per_10_seconds,
        address_requests=settings.requests_per_second,
        key_weight=settings.key_weight_per_10_seconds,
        key_requests=settings.key_requests_per_second,
        orders=settings.orders_per_second,
    )
    weight_max = {Pool.ADDRESS: limits.address_weight, Pool.KEY: limits.key_weight}
    return Limiter(RateBudget(limits), LimiterMetrics(registry, weight_max))


def assemble(
    runtime: Runtime, settings: ExecutorSettings, exchange: Exchange, halts: HaltWatch, alarms: Alarms, *, live: bool
) -> Parts:
    """Make every part of an executor on *exchange*; nothing runs yet."""
    database, stopping, now = runtime.database, runtime.stop, exchange.now
    metrics = ExecutorMetrics(runtime.telemetry.registry, now=now)
    show_clock(exchange.clock, runtime.telemetry.registry)
    outbox = Outbox(database, runtime.bus, alarm=alarms.say)
    known = KnownRules(settings.rules_age_seconds)
    books = Books(
        database,
        settings,
        told=outbox.filled,
        count=partial(_recorded, metrics, Charges(known, settings, alarms.say)),
        now=now,
        alarm=alarms.say,
    )
    readiness = Readiness(exchange.clock)
    journal = Journal(database, settings, live=live, unready=readiness.unready, told=outbox.filled, now=now)
    moments, exits = Moments(exchange.clock.now_ms, now=now), exchange.exits
    recent = RecentBooks()
    markets = Markets(exchange.rest, settings, footprint=exits.footprint, known=known)
    selling_markets = Markets(exits.rest, settings, footprint=exits.footprint, known=known, recent=recent)
    sight = Sight(
        selling_markets,
        PositionPrices(exits.watching, exits.rest, recent),
        _sale_test(exchange, settings, selling_markets) if exchange.live else None,
        apart=partial(exchange.limiter.apart_seconds, Priority.WATCH, Pool.ADDRESS),
    )
    ask = _question(exchange, settings, markets)
    composer = Composer(markets, settings, selling=selling_markets, ask=ask, now=now, stopping=stopping)
    balances = None if exits.account is None else LastBalances(exits.account)
    attempts = AttemptJournal(
        database, live=live, unready=readiness.unready, told=outbox.filled, count=metrics.stepped, now=now
    )
    further = FurtherAttempts(attempts, composer, exchange.sending, settings, now=now, stopping=stopping)
    pace = Pace(exchange.limiter, at_once={Side.BUY: LINES, Side.SELL: SALES_AT_ONCE})
    ways = Ways(
        venues=exchange.sending,
        composer=composer,
        gate=Gate(halts, known.openings, settings, now=now),
        pace=pace,
        moments=moments,
        absence=Absence(exchange.venues, pace, moments, settings, balances=balances, now=now),
        books=books,
        further=further,
        latch=halts.halt,
        sent=metrics.sent,
    )
    placing = Placing(ways, settings, now=now, stopping=stopping)
    patience = timedelta(hours=settings.opening_horizon_hours)
    schedule = Schedule(books, journal, placing, composer, moments, patience=patience)
    free = None if balances is None else FreeBalances(balances).of
    selling = Selling(journal, placing, {mode: free if mode is Mode.LIVE else None for mode in exchange.sending})
    account = exchange.account if exchange.live else None
    custody = None if account is None else Custody(database, account, settings)
    supervisor, spare = Exits(database, sight, selling, halts, settings, now=now), exchange.spare
    fee_prices = None if spare is None else FeePrices(database, Markets(spare, settings).last_price, now=now)
    return Parts(
        now=now,
        metrics=metrics,
        outbox=outbox,
        readiness=readiness,
        journal=journal,
        placing=placing,
        further=further,
        resolver=Resolver(exchange.venues, books, placing, settings, now=now, alerts=alarms),
        recheck=Recheck(exchange.venues, books, placing, attempts=attempts, now=now),
        operator_settlement=OperatorSettlement(database, books, placing, now=now),
        schedule=schedule,
        exits=supervisor,
        custody=custody,
        daily_loss=DailyLoss(database, supervisor.fair_values, every_seconds=settings.exit_check_seconds, now=now),
        fee_prices=fee_prices,
    )


def _recorded(metrics: ExecutorMetrics, charges: Charges, order: Order, told: Told) -> None:
    metrics.recorded(order, told)
    charges.mind(order, told)


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
