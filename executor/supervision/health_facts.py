"""Health facts of the executor: the gates of live trading that only it can see, its limits, and the clock offset."""

import math
from functools import partial

from pydantic import JsonValue

from executor.halts.halt_watch import HaltWatch
from executor.reconciliation.readiness import Readiness
from executor.settings import ExecutorSettings
from executor.supervision.trading_status import ProcessStatus
from executor.venues.exchange_connections import Exchange
from shared.events import Mode
from shared.process.heartbeat import Component


def show_facts(
    component: Component, settings: ExecutorSettings, exchange: Exchange, readiness: Readiness, *, live: bool
) -> None:
    """Add the gates of live orders, the limits and the clock offset to each heartbeat of *component*."""
    component.add_fact("gates", lambda: dict(_gates(exchange, readiness, live=live)))
    limits = limits_of(settings)
    component.add_fact("limits", lambda: limits)

    def ahead_ms() -> float | None:
        seconds = exchange.clock.ahead_seconds()
        return None if math.isnan(seconds) else round(seconds * 1000, 1)

    component.add_fact("exchange_ahead_ms", ahead_ms)


def limits_of(settings: ExecutorSettings) -> dict[str, JsonValue]:
    """Return the limits of purchases that are not in trade_config; money as text."""
    return {
        "order_usdt": None if settings.order_usdt is None else f"{settings.order_usdt:f}",
        "orders_per_minute": settings.orders_per_minute,
        "orders_per_day": settings.orders_per_day,
        "daily_spend_usdt": f"{settings.daily_spend_usdt:f}",
        "listing_age_seconds": settings.listing_age_seconds,
        "failures_max": settings.failures_max,
        "listings_per_minute_max": settings.listings_per_minute_max,
    }


def process_status(exchange: Exchange, readiness: Readiness, halts: HaltWatch, *, live: bool) -> ProcessStatus:
    """Return the status that only this process knows, for metrics."""

    def halted() -> dict[str, bool]:
        return {mode.value: bool(halts.buys_halted(mode)) for mode in Mode} | {"exits": bool(halts.exits_halted())}

    return ProcessStatus(partial(_gates, exchange, readiness, live=live), halted, exchange.now)


def _gates(exchange: Exchange, readiness: Readiness, *, live: bool) -> dict[str, str]:
    """Return the obstacle that closes each gate; empty where it is open."""
    return {
        "live": "" if live else "SNIPER_LIVE is not set",
        "keys": "" if exchange.account is not None else "there are no API keys",
        "clock": readiness.clock_objection(),
        "reconciled": readiness.obstacle(),
    }
