"""What Prometheus learns of the executor."""

from collections.abc import Callable
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from executor.exits.watchdog import Watchdog
from executor.model.order import Order
from executor.model.order_state import OrderState
from executor.model.reasons import Reason
from executor.purchase_decisions import Decided
from executor.supervision.exposure_metrics import ExposureMetrics
from shared.events import Side
from shared.mexc.time.exchange_clock import ExchangeClock

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class ExecutorMetrics:
    """Registered once per process."""

    def __init__(self, registry: CollectorRegistry, *, now: Callable[[], datetime]) -> None:
        self._now = now
        self._decisions = Counter(
            "sniper_executor_decisions_total",
            "Listings decided on, by what was decided and why.",
            ("outcome", "reason"),
            registry=registry,
        )
        self._orders = Counter(
            "sniper_executor_orders_total",
            "Steps of orders, by the state they led to and why.",
            ("mode", "side", "state", "reason"),
            registry=registry,
        )
        self._decision_seconds = Histogram(
            "sniper_executor_decision_seconds",
            "From a listing received to its decision committed.",
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
            "From a decision to buy at once to its being committed, sent, acknowledged and filled.",
            ("stage",),
            buckets=_SECONDS,
            registry=registry,
        )
        self._stake = Gauge(
            "sniper_executor_exposure_usdt",
            "What is reserved for orders under way, and what open positions cost.",
            ("mode", "state"),
            registry=registry,
        )
        self._open_orders = Gauge(
            "sniper_executor_open_orders",
            "Orders that wait, are under way, or whose outcome is unknown.",
            ("mode", "state"),
            registry=registry,
        )

        self._positions = Gauge(
            "sniper_executor_positions", "Positions that are not closed.", ("mode", "state"), registry=registry
        )

    def decided(self, decided: Decided, seconds: float) -> None:
        """Count one decision; one that was made before is only a repetition."""
        self._decisions.labels(decided.outcome, "" if decided.why is None else decided.why.reason).inc()
        self._decision_seconds.observe(seconds)

    def committed(self, order: Order) -> None:
        """Time the commit of the decision to send *order*, which is just over."""
        self._time(order, "committed", self._now())

    def sent(self, order: Order, at: datetime, answered_at: datetime | None) -> None:
        """Time the first request of *order*, which left *at* a time, and its answer."""
        self._time(order, "sent", at)
        if answered_at is not None:
            self._time(order, "acknowledged", answered_at)

    def _time(self, order: Order, stage: str, at: datetime) -> None:
        """Orders that wait for an opening, sales, and further attempts have no decision just before."""
        if order.side is Side.BUY and order.fire_at is None and order.attempt == 1:
            self._stage_seconds.labels(stage).observe(max(0.0, (at - order.decided_at).total_seconds()))

    def stepped(self, order: Order, reason: Reason | None) -> None:
        """Count one step in the life of *order*."""
        self._orders.labels(order.mode, order.side, order.state, reason or "").inc()
        if order.answered_at is not None:
            self._order_seconds.observe(max(0.0, (order.answered_at - order.due_at).total_seconds()))
        if order.state in {OrderState.FILLED, OrderState.PARTIALLY_FILLED}:
            self._time(order, "filled", self._now())

    def at_stake(self, stake: ExposureMetrics) -> None:
        """Show what is at stake in one mode."""
        self._stake.labels(stake.mode, "reserved").set(float(stake.reserved_usdt))
        self._stake.labels(stake.mode, "held").set(float(stake.held_usdt))
        for state, count in stake.open_orders.items():
            self._open_orders.labels(stake.mode, state).set(count)
        for held_state, count in stake.positions.items():
            self._positions.labels(stake.mode, held_state).set(count)


def show_clock(clock: ExchangeClock, registry: CollectorRegistry) -> None:
    """Show what is known of the exchange's time, whenever somebody looks."""
    ahead = Gauge("sniper_executor_clock_offset_seconds", "Exchange's clock minus ours.", registry=registry)
    ahead.set_function(clock.ahead_seconds)
    uncertainty = Gauge(
        "sniper_executor_clock_uncertainty_seconds", "How far the exchange's time may be off.", registry=registry
    )
    uncertainty.set_function(clock.uncertainty_seconds)


def show_vigil(vigil: Watchdog, registry: CollectorRegistry) -> None:
    """Show how long positions were left alone, and how many of them, whenever somebody looks."""
    age = Gauge(
        "sniper_executor_exit_look_age_seconds",
        "Since the last good look at the position that was not looked at for longest.",
        registry=registry,
    )
    age.set_function(vigil.age_seconds)
    unsupervised = Gauge(
        "sniper_executor_unsupervised_positions",
        "Positions that nobody could look at for too long; all of them where nothing is looked at.",
        registry=registry,
    )
    unsupervised.set_function(vigil.overdue_count)
