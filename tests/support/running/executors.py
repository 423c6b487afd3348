"""One executor's parts on a real database, its exchange played by the test, its time moved by the test."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import asyncpg

from executor.alarms import Alarms
from executor.assembly import assemble
from executor.decisions.limits import MassListing
from executor.halts.halt_causes import HaltCause
from executor.halts.halt_watch import HaltWatch
from executor.listing_handler import BuyListing, Consequences
from executor.model.decided import Decided
from executor.model.order import Order
from executor.model.reasons import Refusal
from executor.pricing.paper_footprint import PaperFootprint
from executor.reconciliation.readiness import Readiness
from executor.settings import ExecutorSettings
from executor.supervision.exposure_metrics import Exposure, read_exposure
from executor.venues.dry_run import DryRun
from executor.venues.exchange_connections import Exchange, ForExits
from executor.venues.venue import Venue
from shared.events import Listing, Mode, Side, TradingRules, utc_now
from shared.mexc.market_data import MexcMarketData
from shared.mexc.orders.account import MexcAccount
from shared.mexc.time.exchange_clock import ExchangeClock
from shared.postgres.database import Connection, Database
from shared.process.heartbeat import Component
from shared.process.runtime import Runtime
from shared.process.telemetry import Telemetry
from tests.support.data.builders import NOON, a_listing
from tests.support.fakes.fakes import RecordingBus
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

    def forget(self, order: Order) -> None: ...

    def send(self, order: Order) -> None: ...

    def rehearse(self, order: Order) -> None: ...


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


class RememberingHalts(HaltWatch):
    """Keeps the causes of the halts that were called for."""

    def __init__(self, database: Database, file: Path) -> None:
        super().__init__(database, file)
        self.latched: list[HaltCause] = []

    def halt(self, cause: HaltCause, mode: Mode | None, reason: str) -> None:
        self.latched.append(cause)
        super().halt(cause, mode, reason)


class StatedReadiness(Readiness):
    """Ready, or for the reason that the test gives not."""

    def __init__(self, time: Time, why: Refusal | None, failpoint: Failpoints) -> None:
        super().__init__(time)
        self._why = why
        self._failpoint = failpoint

    def unready(self) -> Refusal | None:
        self._failpoint("before_commit")
        return self._why


class OpenedExchange(Exchange):
    """Orders leave by the venues that the test sets, also while it goes on."""

    __slots__ = ()

    @property
    def sending(self) -> Mapping[Mode, Venue]:
        return self.venues


def opened(
    exchange: ModelExchange,
    time: Time,
    venues: Mapping[Mode, Venue],
    footprint: PaperFootprint,
    settings: ExecutorSettings,
    *,
    live: bool,
) -> Exchange:
    """Return *exchange* as an executor opens one."""
    rest = cast("MexcMarketData", exchange)
    return OpenedExchange(
        rest,
        cast("ExchangeClock", time),
        time,
        venues,
        live=live,
        account=None,
        lines=None,
        exits=ForExits(rest, rest, cast("MexcAccount | None", exchange.account), footprint=footprint),
        limiter=a_limiter(settings),
        spare=rest,
    )


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
        self.exchange, self.time = exchange, time
        self.component, telemetry = Component("executor"), Telemetry()
        self.registry = telemetry.registry
        self.alarms = Alarms(self.component, self.registry)
        self.halts = RememberingHalts(database, halt_file)
        self.stopping = asyncio.Event()
        self.to_send: list[Order] = []
        self.footprint = PaperFootprint(self.settings.paper_footprint_seconds)
        self.venues: dict[Mode, Venue] = {
            Mode.DRY_RUN: DryRun(
                dict.fromkeys(Side, exchange), None, footprint=self.footprint, settings=self.settings, now=time
            ),
            Mode.LIVE: ModelVenue(exchange, failpoint=self.failpoint),
        }
        self.parts = assemble(
            Runtime(RecordingBus(), self.database, telemetry, self.stopping),
            self.settings,
            opened(exchange, time, self.venues, self.footprint, self.settings, live=live),
            self.halts,
            self.alarms,
            StatedReadiness(time, unready, self.failpoint),
        )
        self.metrics, self.journal, self.decisions = self.parts.metrics, self.parts.journal, self.parts.decisions
        self.books, self.attempts, self.composer = self.parts.transitions, self.parts.attempts, self.parts.builder
        self.placing, self.further, self.resolver = self.parts.sender, self.parts.repeater, self.parts.reconciler
        self.recheck, self.operator_settlement = self.parts.recheck, self.parts.operator_settlement
        self.schedule = self.parts.schedule
        self.handle = BuyListing(
            self.decisions,
            MassListing(self.settings.listings_per_minute_max),
            Consequences(self, self.schedule.changed.set, self.halts.halt),
            self.metrics,
            self.settings,
            now=time,
        )

    @property
    def latched(self) -> list[HaltCause]:
        """The causes of halts that were called for, in their order."""
        return self.halts.latched

    def prepare(self, order: Order) -> None:
        """Make ready what the handler is about to commit."""
        self.placing.prepare(order)

    def forget(self, order: Order) -> None:
        """Drop what was made ready and is not committed."""
        self.placing.forget(order)

    def rehearse(self, order: Order) -> None:
        """Make the request of what the handler rehearses."""
        self.placing.rehearse(order)

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
        armed = await self.schedule.armed()
        for order in filter(self.schedule.is_near, armed):
            await self.schedule.attend(order, self.stopping)
        await self.schedule.give_up_forgotten(armed)

    async def resolve(self) -> None:
        """Look up what is at large, once."""
        for mode in self.venues:
            await self.resolver.obstacles(mode)
        await self.try_again()

    async def look_for_halts(self) -> None:
        async with self.database.connection() as connection:
            await self.halts.look(connection)

    async def stake(self, mode: Mode) -> Exposure:
        return await read_exposure(self.database, mode)

    async def rows(self) -> list[asyncpg.Record]:
        return await rows(self.database)

    def metric(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"sniper_executor_{name}", labels)


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
