"""Prometheus metrics of the executor."""

from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from executor.exits.watchdog import Watchdog
from executor.model import Decided, Order, OrderState, PriceSource, Reason
from executor.supervision.exposure_metrics import Exposure
from shared.mexc.time.exchange_clock import ExchangeClock

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class ExecutorMetrics:
    """Registered once per process."""

    def __init__(self, registry: CollectorRegistry, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._decisions = Counter(
            "sniper_executor_decisions_total",
            "Decisions on listings, by outcome and reason.",
            ("outcome", "reason"),
            registry=registry,
        )
        self._orders = Counter(
            "sniper_executor_orders_total",
            "Transitions of orders, by the state they led to and the reason.",
            ("mode", "side", "state", "reason"),
            registry=registry,
        )
        self._decision_seconds = Histogram(
            "sniper_executor_decision_seconds",
            "From the receipt of a listing to the commit of its decision.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._order_seconds = Histogram(
            "sniper_executor_order_seconds",
            "From a decision to the exchange's answer.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._stage_seconds = Histogram(
            "sniper_executor_order_stage_seconds",
            "From a decision to buy at once to its commit, its sending, its acknowledgement and its fill.",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._exit_quotes = Counter(
            "sniper_executor_exit_quotes_total",
            "Quotes that positions were judged by, by their source: stream or rest.",
            ("source",),
            registry=registry,
        )
        self._register_state(registry)

    def _register_state(self, registry: CollectorRegistry) -> None:
        self._exposure = Gauge(
            "sniper_executor_exposure_usdt",
            "Exposure: reservations of orders under way, and the cost of open positions.",
            ("mode", "state"),
            registry=registry,
        )
        self._open_orders = Gauge(
            "sniper_executor_open_orders",
            "Orders that wait, are under way, or have an unknown outcome.",
            ("mode", "state"),
            registry=registry,
        )

        self._positions = Gauge(
            "sniper_executor_positions", "Positions that are not closed.", ("mode", "state"), registry=registry
        )

    def judged(self, source: PriceSource) -> None:
        """Count one quote that a position was judged by."""
        self._exit_quotes.labels(source).inc()

    def decided(self, decided: Decided, seconds: float) -> None:
        """Count one decision; a redelivered listing counts under its own outcome."""
        self._decisions.labels(decided.outcome, "" if decided.why is None else decided.why.reason).inc()
        self._decision_seconds.observe(seconds)

    def committed(self, order: Order, at: datetime) -> None:
        """Time the commit of the decision to send *order*, which ended *at* a time."""
        self._time(order, "committed", at)

    def sent(self, order: Order, at: datetime, answered_at: datetime | None) -> None:
        """Time the first request of *order*, sent *at* a time, and its answer."""
        self._time(order, "sent", at)
        if answered_at is not None:
            self._time(order, "acknowledged", answered_at)

    def _time(self, order: Order, stage: str, at: datetime) -> None:
        """Time *stage*, unless the order waited for an opening, is a sale, or is a further attempt."""
        if order.is_first_purchase and order.fire_at is None:
            self._stage_seconds.labels(stage).observe(max(0.0, (at - order.decided_at).total_seconds()))

    def stepped(self, order: Order, reason: Reason | None) -> None:
        """Count one transition of *order*."""
        self._orders.labels(order.mode, order.side, order.state, reason or "").inc()
        if order.answered_at is not None:
            self._order_seconds.observe(max(0.0, (order.answered_at - order.due_at).total_seconds()))
        if order.state in {OrderState.FILLED, OrderState.PARTIALLY_FILLED}:
            self._time(order, "filled", self._now())

    def show_exposure(self, exposure: Exposure) -> None:
        """Show the exposure of one mode."""
        self._exposure.labels(exposure.mode, "reserved").set(float(exposure.reserved_usdt))
        self._exposure.labels(exposure.mode, "held").set(float(exposure.held_usdt))
        for state, count in exposure.open_orders.items():
            self._open_orders.labels(exposure.mode, state).set(count)
        for held_state, count in exposure.positions.items():
            self._positions.labels(exposure.mode, held_state).set(count)


def show_clock(clock: ExchangeClock, registry: CollectorRegistry) -> None:
    """Show the offset and uncertainty of the exchange's time at each scrape."""
    ahead = Gauge("sniper_executor_clock_offset_seconds", "Exchange's clock minus ours.", registry=registry)
    ahead.set_function(clock.ahead_seconds)
    uncertainty = Gauge(
        "sniper_executor_clock_uncertainty_seconds", "Uncertainty of the exchange's time.", registry=registry
    )
    uncertainty.set_function(clock.uncertainty_seconds)


def show_watchdog(watchdog: Watchdog, registry: CollectorRegistry) -> None:
    """Show the age of the oldest last look at a position, and the number of overdue ones, at each scrape."""
    age = Gauge(
        "sniper_executor_exit_look_age_seconds",
        "Age of the oldest last good look at a position.",
        registry=registry,
    )
    age.set_function(watchdog.age_seconds)
    unsupervised = Gauge(
        "sniper_executor_unsupervised_positions",
        "Positions without a look for too long; all of them where the monitor stands still.",
        registry=registry,
    )
    unsupervised.set_function(watchdog.overdue_count)
