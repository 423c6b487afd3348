"""Metrics of the executor's rate limiter."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from executor.rate_limits.sliding_window import Priority
from shared.mexc.weights import Cost, Pool

WAIT_SECONDS: Final = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Bucket bounds of the histogram of waits."""


class _WeightCounter(Collector):
    """Shows the *weight* that was used. Orders wait for a mere addition, where a `Counter` takes a lock."""

    def __init__(self, weight: Mapping[Pool, int]) -> None:
        self._weight = weight

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily("sniper_executor_rate_weight", "Weight of the requests sent.", labels=("pool",))
        for pool, weight in self._weight.items():
            family.add_metric((pool.value,), weight)
        yield family


class LimiterMetrics:
    def __init__(self, registry: CollectorRegistry, weight_max: Mapping[Pool, int] = MappingProxyType({})) -> None:
        self._weight_max = weight_max
        self._weight = dict.fromkeys(Pool, 0)
        registry.register(_WeightCounter(self._weight))
        used = Gauge(
            "sniper_executor_rate_weight_used",
            "Weight in use, which counts against the limit.",
            ("pool",),
            registry=registry,
        )
        left = Gauge("sniper_executor_rate_weight_left", "Weight left within the limit.", ("pool",), registry=registry)
        # Set after each answer, for which orders wait.
        self._weight_used = {pool: used.labels(pool.value) for pool in Pool}
        self._weight_left = {pool: left.labels(pool.value) for pool in weight_max}
        self._waiting = Gauge(
            "sniper_executor_rate_waiting", "Requests that wait for the rate limits.", registry=registry
        )
        self._quiet = Gauge(
            "sniper_executor_rate_quiet_seconds",
            "Seconds left of the quiet period that the exchange asked for.",
            registry=registry,
        )
        self._refusals = Counter(
            "sniper_executor_rate_refusals",
            "Requests that the exchange rate-limited: 429, or 418 with a ban.",
            ("status",),
            registry=registry,
        )
        self._waits = Histogram(
            "sniper_executor_rate_wait_seconds",
            "Waits of requests for the rate limits, of those that had to wait.",
            ("priority",),
            buckets=WAIT_SECONDS,
            registry=registry,
        )

    def spent(self, cost: Cost) -> None:
        self._weight[cost.pool] += cost.weight

    def using(self, pool: Pool, weight: int) -> None:
        self._weight_used[pool].set(weight)
        if pool in self._weight_max:
            self._weight_left[pool].set(self._weight_max[pool] - weight)

    def waiting(self, count: int) -> None:
        self._waiting.set(count)

    def waited(self, priority: Priority, seconds: float) -> None:
        self._waits.labels(priority.name.lower()).observe(seconds)

    def refused(self, *, banned: bool) -> None:
        self._refusals.labels("418" if banned else "429").inc()

    def show_quiet(self, seconds: Callable[[], float]) -> None:
        """Show the result of *seconds* at each scrape."""
        self._quiet.set_function(seconds)
