"""Metrics of every bus: publishes by exchange, deliveries by queue."""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class BusMetrics:
    """Registered once per process; without a registry they are not exposed."""

    def __init__(
        self, registry: CollectorRegistry | None = None, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._publishes = Counter(
            "sniper_bus_publishes_total", "Attempts to publish a message.", ["exchange"], registry=registry
        )
        self._confirms = Counter(
            "sniper_bus_confirms_total", "Messages that the broker confirmed to have.", ["exchange"], registry=registry
        )
        self._returns = Counter(
            "sniper_bus_returns_total",
            "Messages that came back since no queue takes them.",
            ["exchange"],
            registry=registry,
        )
        self._publish_seconds = Histogram(
            "sniper_bus_publish_seconds",
            "From an attempt to publish to the broker's confirmation.",
            ["exchange"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._deliveries = Counter(
            "sniper_bus_deliveries_total", "Messages handed to the handler of a queue.", ["queue"], registry=registry
        )
        self._redeliveries = Counter(
            "sniper_bus_redeliveries_total", "Messages handed to it again.", ["queue"], registry=registry
        )
        self._dead_letters = Counter(
            "sniper_bus_dead_letters_total",
            "Messages of a queue that were buried with a reason.",
            ["queue"],
            registry=registry,
        )
        self._handler_seconds = Histogram(
            "sniper_bus_handler_seconds",
            "From a delivery to its answer.",
            ["queue"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._in_process = Gauge(
            "sniper_bus_in_process",
            "Messages of a queue that this process holds and has not answered.",
            ["queue"],
            registry=registry,
        )
        self._oldest_seconds = Gauge(
            "sniper_bus_oldest_message_seconds",
            "For how long this process has held the oldest message of a queue that it has not answered.",
            ["queue"],
            registry=registry,
        )

    @contextmanager
    def publishing(self, exchange: str) -> Iterator[None]:
        """Count an attempt to publish; the block ends normally once the broker confirmed it."""
        self._publishes.labels(exchange).inc()
        began = self._clock()
        yield
        self._confirms.labels(exchange).inc()
        self._publish_seconds.labels(exchange).observe(self._clock() - began)

    def returned(self, exchange: str) -> None:
        """Count an unroutable message."""
        self._returns.labels(exchange).inc()

    def of_queue(self, queue: str) -> "QueueMetrics":
        """Return the metrics of one queue; of several consumers of it, the latest shows the messages held."""
        metrics = QueueMetrics(
            self._deliveries.labels(queue),
            self._redeliveries.labels(queue),
            self._dead_letters.labels(queue),
            self._handler_seconds.labels(queue),
            self._clock,
        )
        self._in_process.labels(queue).set_function(metrics.held)
        self._oldest_seconds.labels(queue).set_function(metrics.oldest_seconds)
        return metrics


class QueueMetrics:
    """Metrics of one queue."""

    def __init__(
        self,
        deliveries: Counter,
        redeliveries: Counter,
        dead_letters: Counter,
        handler_seconds: Histogram,
        clock: Callable[[], float],
    ) -> None:
        self._deliveries = deliveries
        self._redeliveries = redeliveries
        self._dead_letters = dead_letters
        self._handler_seconds = handler_seconds
        self._clock = clock
        self._numbers = itertools.count()
        self._held: dict[int, float] = {}
        """Arrival of each unanswered message, oldest first."""

    @contextmanager
    def handling(self, attempt: int) -> Iterator[None]:
        """Count a delivery, the first being *attempt* 1, which the block answers."""
        self._deliveries.inc()
        if attempt > 1:
            self._redeliveries.inc()
        number, began = next(self._numbers), self._clock()
        self._held[number] = began
        try:
            yield
        finally:
            del self._held[number]
            self._handler_seconds.observe(self._clock() - began)

    def dead_lettered(self) -> None:
        """Count a dead letter."""
        self._dead_letters.inc()

    def held(self) -> int:
        """Return the number of unanswered messages. May be called from another thread."""
        return len(self._held)

    def oldest_seconds(self) -> float:
        """Return the age of the oldest unanswered message, or 0. May be called from another thread."""
        began = list(self._held.values())
        return self._clock() - began[0] if began else 0.0
