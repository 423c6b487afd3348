"""One executor's parts on a real database, its exchange played by the test, its time moved by the test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import asyncpg
from prometheus_client import CollectorRegistry

from executor.alarms import Alarms
from executor.decisions.mass_listing import MassListing
from executor.halts.latches import Cause
from executor.halts.watch import HaltWatch
from executor.handler import BuyListing, Consequences
from executor.journal.attempt_writer import AttemptWriter
from executor.journal.decision_writer import DecisionWriter
from executor.journal.order_transitions import OrderTransitions
from executor.market_data.market_views import Markets
from executor.market_data.symbol_rules import SymbolRules
from executor.metrics import ExecutorMetrics
from executor.model.order import Order
from executor.model.order_update import OrderUpdate
from executor.model.reasons import Refusal
from executor.openings.scheduler import OpeningScheduler
from executor.pricing.paper_footprint import PaperFootprint
from executor.purchase_decisions import Decided, PurchaseDecisions
from executor.rate_limits.order_slots import OrderSlots
from executor.reconciliation.fee_charges import FeeCharges
from executor.reconciliation.given_up_orders import GivenUpOrders
from executor.reconciliation.operator_settlement import OperatorSettlement
from executor.reconciliation.order_reconciler import OrderReconciler
from executor.sending.absence_check import AbsenceCheck
from executor.sending.exchange_time import ExchangeTime
from executor.sending.order_sender import OrderSender, Ways
from executor.sending.presend_check import PresendCheck
from executor.sending.purchase_repeater import PurchaseRepeater
from executor.sending.request_builder import RequestBuilder
from executor.settings import ExecutorSettings
from executor.supervision.exposure_metrics import ExposureMetrics, read_stake
from executor.venues.dry_run import DryRun
from executor.venues.venue import Venue
from shared.events import Listing, Mode, Side, TradingRules, utc_now
from shared.mexc.market_data import MexcRest
from shared.mexc.orders.order_connection_pool import LINES, SALES_AT_ONCE
from shared.postgres.database import Connection, Database
from shared.process.health import Component
from tests.support.data.builders import NOON, a_listing
from tests.support.fakes.limiters import a_limiter
from tests.support.fakes.venues import ModelExchange, ModelVenue

RULES = TradingRules(base_precision=2, quote_precision=6, quote_amount_min=Decimal(1))


class Time:
    """Runs as ours does, from noon on, and jumps."""

    def __init__(self, start: datetime = NOON) -> None:
        self._ahead = start - utc_now()

    def __call__(self) -> datetime:
        return utc_now() + self._ahead

    def pass_by(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)

    def jump_to(self, moment: datetime) -> None:
        self._ahead += max(timedelta(0), moment - self())

    def now_ms(self) -> int:
        return int(self().timestamp() * 1000)


class NotSent:
    """A way out that nothing takes."""

    def prepare(self, order: Order) -> None: ...

    def send(self, order: Order) -> None: ...


NOT_SENT = NotSent()


class Crash(BaseException):
    """The process is gone; nothing catches it."""


@dataclass
class Failpoints:
    """Where the process ends, once."""

    armed: str = ""
    passed: list[str] = field(default_factory=list)

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        if self.armed == name:
            self.armed = ""
            raise Crash(name)


class FailingDatabase(Database):
    """Ends the process before a transaction begins, or before it is committed, where a failpoint says so."""

    failpoint: Failpoints

    @classmethod
    def over(cls, database: Database, failpoint: Failpoints) -> "FailingDatabase":
        made = cls(database.pool, database.engines)
        object.__setattr__(made, "failpoint", failpoint)
        return made

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        self.failpoint("before_record")
        async with super().transaction() as connection:
            yield connection
            self.failpoint("before_record_commits")
        self.failpoint("after_record")


class Executor:
    """What one process has in memory. Another one over the same database and exchange is a restart, or a second."""

    def __init__(
        self,
        database: Database,
        exchange: ModelExchange,
        time: Time,
        settings: ExecutorSettings | None = None,
        *,
        live: bool = True,
        unready: Refusal | None = None,
        failpoint: Failpoints | None = None,
        halt_file: Path = Path("/nonexistent/halt"),
    ) -> None:
        self.failpoint = failpoint or Failpoints()
        self.settings = settings or ExecutorSettings()
        self.database = FailingDatabase.over(database, self.failpoint)
        self.exchange, self.time, self.unready = exchange, time, unready
        self.registry = CollectorRegistry()
        self.metrics = ExecutorMetrics(self.registry, now=time)
        self.component = Component("executor")
        self.alarms = Alarms(self.component, self.registry)
        self.halts = HaltWatch(database, halt_file)
        self.stopping = asyncio.Event()
        self.to_send: list[Order] = []
        self.latched: list[Cause] = []
        rest = cast("MexcRest", exchange)
        self.footprint = PaperFootprint(self.settings.paper_footprint_seconds)
        self.venues: dict[Mode, Venue] = {
            Mode.DRY_RUN: DryRun(exchange, None, footprint=self.footprint, settings=self.settings, now=time),
            Mode.LIVE: ModelVenue(exchange, failpoint=self.failpoint),
        }
        known = SymbolRules(self.settings.rules_age_seconds)
        self.charges = FeeCharges(known, self.settings, self.alarms.say)
        self.books = OrderTransitions(
            self.database,
            self.settings,
            told=lambda: None,
            count=self._recorded,
            now=time,
            alarm=self.alarms.say,
        )
        self.journal = DecisionWriter(self.database, self.settings, told=lambda: None, now=time)
        self.decisions = PurchaseDecisions(self.journal, self.settings, live=live, unready=self._unready, now=time)
        markets = Markets(rest, self.settings, footprint=self.footprint, known=known)
        self.composer = RequestBuilder(markets, self.settings, now=time, stopping=self.stopping)
        self.moments = ExchangeTime(time.now_ms, now=time)
        pace = OrderSlots(a_limiter(self.settings), at_once={Side.BUY: LINES, Side.SELL: SALES_AT_ONCE})
        self.attempts = AttemptWriter(
            self.database,
            live=live,
            unready=self._unready,
            told=lambda: None,
            count=self.metrics.stepped,
            now=time,
        )
        self.further = PurchaseRepeater(
            self.attempts, self.composer, self.venues, self.settings, now=time, stopping=self.stopping
        )
        ways = Ways(
            venues=self.venues,
            builder=self.composer,
            presend=PresendCheck(self.halts, known.openings, self.settings, now=time),
            slots=pace,
            time=self.moments,
            absence=AbsenceCheck(self.venues, pace, self.moments, self.settings, balances=exchange.balances, now=time),
            transitions=self.books,
            repeater=self.further,
            latch=self._latch,
        )
        self.placing = OrderSender(ways, self.settings, now=time, stopping=self.stopping)
        self.resolver = OrderReconciler(self.venues, self.books, self.placing, self.settings, now=time)
        self.recheck = GivenUpOrders(self.venues, self.books, self.placing, attempts=self.attempts, now=time)
        self.operator_settlement = OperatorSettlement(self.database, self.books, self.placing, now=time)
        patience = timedelta(hours=self.settings.opening_horizon_hours)
        self.schedule = OpeningScheduler(
            self.books, self.decisions, self.placing, self.composer, self.moments, patience=patience
        )
        self.handle = BuyListing(
            self.decisions,
            MassListing(self.settings.listings_per_minute_max),
            Consequences(self, self.schedule.changed.set, self._latch),
            self.metrics,
            self.settings,
            now=time,
        )

    def _recorded(self, order: Order, update: OrderUpdate) -> None:
        self.metrics.stepped(order, update.reason)
        self.charges.mind(order, update)

    def prepare(self, order: Order) -> None:
        """Make ready what the handler is about to commit."""
        self.placing.prepare(order)

    def send(self, order: Order) -> None:
        """Keep what the handler committed for `send_all`."""
        self.failpoint("after_commit")
        self.to_send.append(order)

    async def decide(self, listing: Listing) -> Decided:
        """Decide on *listing* and commit that; the order is the test's to send."""
        return await self.decisions.open(listing, NOT_SENT)

    async def send_all(self) -> None:
        """Send what was decided, as the service does at once."""
        while self.to_send:
            order = self.to_send.pop(0)
            await self.look_for_halts()
            await self.placing.place(order)
        await self.try_again()

    async def try_again(self) -> None:
        """Attend to what got nothing, as the service does beside everything else."""
        while self.further.waiting:
            await self.look_for_halts()
            await self.further.attend(self.further.waiting.popleft(), self.placing)

    async def buy(self, listing: Listing) -> None:
        await self.handle(listing)
        await self.send_all()

    async def fire_due(self) -> None:
        """Attend to the openings that are near, or passed."""
        await self.look_for_halts()
        for order in await self.schedule._armed():
            if self.schedule._is_forgotten(order):
                await self.schedule._give_up(order)
            elif self.schedule._is_near(order):
                await self.schedule._attend(order, self.stopping)

    async def resolve(self) -> None:
        """Look up what is at large, once."""
        for mode in self.venues:
            await self.resolver.obstacles(mode)
        await self.try_again()

    async def look_for_halts(self) -> None:
        async with self.database.connection() as connection:
            await self.halts.look(connection)

    async def stake(self, mode: Mode) -> ExposureMetrics:
        return await read_stake(self.database, mode)

    async def rows(self) -> list[asyncpg.Record]:
        return await rows(self.database)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"sniper_executor_{name}", labels)

    def _unready(self) -> Refusal | None:
        self.failpoint("before_commit")
        return self.unready

    def _latch(self, cause: Cause, mode: Mode | None, reason: str) -> None:
        self.latched.append(cause)
        self.halts.halt(cause, mode, reason)


async def rows(database: Database) -> list[asyncpg.Record]:
    """Every order, oldest first."""
    async with database.connection() as connection:
        return list(await connection.fetch("SELECT * FROM orders ORDER BY id"))


async def configure(database: Database, assignments: str) -> None:
    """Change trade_config as the API does."""
    async with database.connection() as connection:
        await connection.execute(f"UPDATE trade_config SET {assignments}, updated_at = now()")


async def trades(database: Database) -> list[dict[str, Any]]:
    """What waits to be published, oldest first."""
    async with database.connection() as connection:
        return [row["event"] for row in await connection.fetch("SELECT event FROM trade_outbox ORDER BY id")]


def a_coin(name: str, time: Time, **overrides: Any) -> Listing:
    """A listing that was just seen, with its price and rules: nothing need be asked."""
    seen = dict.fromkeys(("listed_at", "observed_at", "published_at", "deduplicated_at"), time())
    described = {"symbol": f"{name}USDT", "base_asset": name, "price": Decimal(2), "rules": RULES}
    return a_listing(**seen | described | overrides)
