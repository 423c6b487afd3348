"""The parts of one executor, put together: the only place that makes them."""

from dataclasses import dataclass
from datetime import timedelta

from executor.books import Books
from executor.composing import Composer
from executor.exchange import Exchange
from executor.exits import Exits
from executor.gate import Gate
from executor.halt_watch import HaltWatch
from executor.journal import Journal
from executor.metrics import ExecutorMetrics, show_clock
from executor.moments import Moments
from executor.outbox import Outbox
from executor.pace import Pace
from executor.placing import Placing, Ways
from executor.readiness import Readiness
from executor.resolver import Resolver
from executor.schedule import Schedule
from executor.selling import FreeBalances, Selling
from executor.settings import ExecutorSettings
from executor.views import Markets
from shared.events import Mode, utc_now
from shared.mexc.order_lines import LINES
from shared.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs, and what the running parts are handed."""

    metrics: ExecutorMetrics
    outbox: Outbox
    readiness: Readiness
    journal: Journal
    placing: Placing
    resolver: Resolver
    schedule: Schedule
    exits: Exits


def assemble(
    runtime: Runtime, settings: ExecutorSettings, exchange: Exchange, halts: HaltWatch, *, live: bool
) -> Parts:
    """Make every part of an executor on *exchange*; nothing runs yet."""
    database, stopping = runtime.database, runtime.stop
    metrics = ExecutorMetrics(runtime.telemetry.registry)
    show_clock(exchange.clock, runtime.telemetry.registry)
    outbox = Outbox(database, runtime.bus)
    books = Books(database, failures_max=settings.failures_max, told=outbox.filled, count=metrics.stepped)
    readiness = Readiness(exchange.clock)
    journal = Journal(database, settings, live=live, unready=readiness.unready, told=outbox.filled, now=utc_now)
    moments, markets = Moments(exchange.clock.now_ms, now=utc_now), Markets(exchange.rest, settings)
    composer = Composer(markets, settings, now=utc_now, stopping=stopping)
    ways = Ways(
        venues=exchange.sending,
        composer=composer,
        gate=Gate(halts, now=utc_now),
        pace=Pace(settings.orders_per_second, at_once=LINES),
        moments=moments,
        books=books,
        latch=halts.halt,
    )
    placing = Placing(ways, settings, now=utc_now, stopping=stopping)
    free = FreeBalances(exchange.account).of if exchange.account is not None else None
    selling = Selling(journal, placing, {mode: free if mode is Mode.LIVE else None for mode in exchange.sending})
    return Parts(
        metrics=metrics,
        outbox=outbox,
        readiness=readiness,
        journal=journal,
        placing=placing,
        resolver=Resolver(exchange.venues, books, placing, settings, now=utc_now),
        schedule=Schedule(
            books,
            journal,
            placing,
            composer,
            moments,
            patience=timedelta(hours=settings.opening_horizon_hours),
        ),
        exits=Exits(database, markets, selling, halts, settings, now=utc_now),
    )
