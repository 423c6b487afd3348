"""Clocks that go on while the machine sleeps."""

import inspect
import time
from collections.abc import Callable

import pytest

from executor.halts.halt_watch import HaltWatch
from executor.rate_limits.rate_limiter import RateLimiter
from executor.reconciliation.order_reconciler import OrderReconciler
from ingest.budget.request_budget import RequestBudget
from ingest.polling.poll import run_poll
from ingest.sighting_time import ExchangeTime
from shared.mexc.time.clock_estimate import boot_seconds
from shared.mexc.time.exchange_clock import ExchangeClock, TradingClock


def test_seconds_are_those_since_boot() -> None:
    before = time.clock_gettime(time.CLOCK_BOOTTIME)

    seconds = boot_seconds()

    assert before <= seconds <= time.clock_gettime(time.CLOCK_BOOTTIME)


@pytest.mark.parametrize(
    ("clock", "parameter"),
    [
        (ExchangeClock, "now"),
        (TradingClock, "monotonic"),
        (ExchangeTime, "monotonic"),
        (HaltWatch, "clock"),
        (RateLimiter, "now"),
        (RequestBudget, "now"),
        (OrderReconciler, "clock"),
        (run_poll, "boot"),
    ],
)
def test_time_that_the_machine_slept_counts(clock: Callable[..., object], parameter: str) -> None:
    assert inspect.signature(clock).parameters[parameter].default is boot_seconds
