"""Trading status metrics: limits, gates and halts, orders in doubt, unpublished trades, and the day's result."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, Never

import structlog
from asyncpg import Record
from prometheus_client import CollectorRegistry, Gauge

from executor.settings import LimitSettings
from shared.errors import TransientError
from shared.events import Mode
from shared.postgres.database import Connection, Database

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 5.0
BY_MODE: Final = """
SELECT exposure.mode, failures, CASE WHEN result_day = $1 THEN day_result_usdt ELSE 0 END AS result,
    (SELECT coalesce(extract(epoch FROM $2 - min(greatest(decided_at, fire_at))), 0) FROM orders
        WHERE orders.mode = exposure.mode AND state = 'unknown') AS unknown_seconds,
    reserved_usdt + filled_usdt AS at_stake
FROM exposure
"""
LIMITS: Final = "SELECT max_trade_usdt, max_position_usdt, auto_trade, auto_trade_until FROM trade_config WHERE id = 1"
OUTBOX: Final = """
SELECT count(*) AS count, coalesce(extract(epoch FROM now() - min(created_at)), 0) AS seconds,
    count(*) FILTER (WHERE EXISTS (
        SELECT FROM unannounced_listings WHERE listing_key = event ->> 'listing_key'
    )) AS held
FROM trade_outbox WHERE set_aside_at IS NULL
"""

Obstacles = Callable[[], Mapping[str, str]]
"""Returns the obstacle that closes each gate that only the executor sees; empty where it is open."""
Halted = Callable[[], Mapping[str, bool]]
"""Returns by scope whether it is halted."""


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """Status that only this process knows."""

    obstacles: Obstacles
    halted: Halted
    now: Callable[[], datetime]


class TradingStatusMetrics:
    """Registered once per process."""

    def __init__(self, registry: CollectorRegistry, settings: LimitSettings) -> None:
        self._daily_spend_usdt = settings.daily_spend_usdt
        self._limit = Gauge(
            "sniper_executor_limit_usdt",
            "Limits in one mode: of one purchase, of the exposure, and of the spending of a day.",
            ("limit",),
            registry=registry,
        )
        self._show_results(registry, settings.failures_max)
        self._halted = Gauge(
            "sniper_executor_halted",
            "Whether purchases of a mode, or exits, are halted.",
            ("scope",),
            registry=registry,
        )
        self._gate = Gauge(
            "sniper_executor_gate_open",
            "Whether each condition of live trading is met.",
            ("gate",),
            registry=registry,
        )
        self._outbox = Gauge(
            "sniper_executor_outbox_trades", "Trades committed and not published yet.", registry=registry
        )
        self._outbox_held = Gauge(
            "sniper_executor_outbox_held_trades",
            "Those of them that wait until the executor has received their listing, which was bought ahead of that.",
            registry=registry,
        )
        self._outbox_seconds = Gauge(
            "sniper_executor_outbox_age_seconds",
            "Age of the oldest trade that is not published; 0 without one.",
            registry=registry,
        )

    def _show_results(self, registry: CollectorRegistry, failures_max: int) -> None:
        self._unknown_seconds = Gauge(
            "sniper_executor_unknown_order_age_seconds",
            "Age of the oldest order whose outcome is unknown, since its decision; 0 without one.",
            ("mode",),
            registry=registry,
        )
        self._result = Gauge(
            "sniper_executor_day_result_usdt",
            "Result of the sales and write-offs of this day in UTC, against the price paid.",
            ("mode",),
            registry=registry,
        )
        self._failures = Gauge(
            "sniper_executor_failures_in_row",
            "Orders in a row that failed or whose outcome was unknown.",
            ("mode",),
            registry=registry,
        )
        Gauge("sniper_executor_failures_limit", "Failures in a row that halt trading.", registry=registry).set(
            failures_max
        )

    async def read(self, connection: Connection, status: ProcessStatus) -> None:
        """Show the status in the database, and *status*."""
        now = status.now()
        at_stake: dict[str, Decimal] = {}
        for row in await connection.fetch(BY_MODE, now.astimezone(UTC).date(), now):
            self._unknown_seconds.labels(row["mode"]).set(max(0.0, float(row["unknown_seconds"])))
            self._result.labels(row["mode"]).set(float(row["result"]))
            self._failures.labels(row["mode"]).set(row["failures"])
            at_stake[row["mode"]] = row["at_stake"]
        outbox = await connection.fetchrow(OUTBOX)
        if outbox is not None:
            self._outbox.set(outbox["count"])
            self._outbox_held.set(outbox["held"])
            self._outbox_seconds.set(max(0.0, float(outbox["seconds"])))
        self._show_gates(status, await connection.fetchrow(LIMITS), at_stake.get(Mode.LIVE, Decimal(0)))

    def _show_gates(self, status: ProcessStatus, limits: Record | None, at_stake: Decimal) -> None:
        """Show halts, gates and limits, with the exposure *at_stake* in live trading."""
        halted = status.halted()
        for scope, is_halted in halted.items():
            self._halted.labels(scope).set(is_halted)
        gates = {name: not why for name, why in status.obstacles().items()} | {"halt": not halted[Mode.LIVE]}
        if limits is not None:
            self._limit.labels("trade").set(float(limits["max_trade_usdt"]))
            self._limit.labels("position").set(float(limits["max_position_usdt"]))
            self._limit.labels("daily_spend").set(float(self._daily_spend_usdt))
            until = limits["auto_trade_until"]
            gates["auto_trade"] = limits["auto_trade"] and (until is None or until > status.now())
            gates["exposure"] = at_stake < limits["max_position_usdt"]
        for name, is_open in gates.items():
            self._gate.labels(name).set(is_open)


async def show_trading_status(database: Database, metrics: TradingStatusMetrics, status: ProcessStatus) -> Never:
    """Show it every few seconds, until cancelled."""
    while True:
        try:
            async with database.connection() as connection:
                await metrics.read(connection, status)
        except TransientError as error:
            log.debug("where trading stands was not read", reason=str(error))
        except Exception:
            log.exception("where trading stands was not shown")
        await asyncio.sleep(EVERY_SECONDS)
