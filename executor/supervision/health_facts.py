"""Facts beside the executor's health: the gates of live trading that only it can see, its limits, and the clock."""

import math
from collections.abc import Callable
from functools import partial

from pydantic import JsonValue

from executor.halts.watch import HaltWatch
from executor.reconciliation.readiness import Readiness
from executor.settings import ExecutorSettings
from executor.supervision.trading_status import Sight
from executor.venues.exchange_connections import Exchange
from shared.events import Mode
from shared.process.health import Component


def show_facts(
    component: Component, settings: ExecutorSettings, exchange: Exchange, readiness: Readiness, *, live: bool
) -> None:
    """Let *component* tell with each heartbeat whether live orders could go out, and within which limits."""
    component.add_fact("gates", lambda: dict(_gates(exchange, readiness, live=live)))
    component.add_fact("limits", _unchanging(limits_of(settings)))
    component.add_fact("exchange_ahead_ms", partial(_ahead_ms, exchange))


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


def sight_of(exchange: Exchange, readiness: Readiness, halts: HaltWatch, *, live: bool) -> Sight:
    """Return what metrics show of what only this process sees."""

    def halted() -> dict[str, bool]:
        return {mode.value: bool(halts.buys_halted(mode)) for mode in Mode} | {"exits": bool(halts.exits_halted())}

    return Sight(partial(_gates, exchange, readiness, live=live), halted, exchange.now)


def _gates(exchange: Exchange, readiness: Readiness, *, live: bool) -> dict[str, str]:
    """Return the obstacle behind each gate, in words; empty where there is none."""
    return {
        "live": "" if live else "SNIPER_LIVE is not set",
        "keys": "" if exchange.account is not None else "there are no API keys",
        "clock": readiness.clock_objection(),
        "reconciled": readiness.obstacle(),
    }


def _ahead_ms(exchange: Exchange) -> float | None:
    seconds = exchange.clock.ahead_seconds()
    return None if math.isnan(seconds) else round(seconds * 1000, 1)


def _unchanging(value: JsonValue) -> Callable[[], JsonValue]:
    return lambda: value
