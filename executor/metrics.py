"""What Prometheus learns of the executor."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from executor.journal import Exposure, Opened
from shared.events import Mode, Trade
from shared.mexc.timekeeper import ExchangeClock

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class ExecutorMetrics:
    """Registered once per process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._decisions = Counter(
            "sniper_executor_decisions_total",
            "Listings decided on, by what was decided and why.",
            ("outcome", "reason"),
            registry=registry,
        )
        self._orders = Counter(
            "sniper_executor_orders_total",
            "Orders ended, by what came of them and why.",
            ("mode", "status", "reason"),
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
        self._exposure = Gauge(
            "sniper_executor_exposure_usdt",
            "What is reserved for orders under way, and what filled orders spent.",
            ("mode", "state"),
            registry=registry,
        )

    def decided(self, opened: Opened, seconds: float) -> None:
        """Count one decision; one that was made before is only a repetition."""
        refused = isinstance(opened.entry, Trade) and not opened.repeated
        outcome = "repeated" if opened.repeated else "refused" if refused else "buy"
        reason = _code(opened.entry) if isinstance(opened.entry, Trade) and refused else ""
        self._decisions.labels(outcome, reason).inc()
        self._decision_seconds.observe(seconds)

    def ended(self, trade: Trade) -> None:
        """Count one order that went out, or would have."""
        self._orders.labels(trade.mode, trade.status, _code(trade)).inc()
        self._order_seconds.observe(trade.latency_ms / 1000)

    def exposed(self, mode: Mode, exposure: Exposure) -> None:
        """Show what is at stake."""
        self._exposure.labels(mode, "reserved").set(float(exposure.reserved_usdt))
        self._exposure.labels(mode, "filled").set(float(exposure.filled_usdt))


def show_clock(clock: ExchangeClock, registry: CollectorRegistry) -> None:
    """Show what is known of the exchange's time, whenever somebody looks."""
    ahead = Gauge("sniper_executor_clock_offset_seconds", "Exchange's clock minus ours.", registry=registry)
    ahead.set_function(clock.ahead_seconds)
    uncertainty = Gauge(
        "sniper_executor_clock_uncertainty_seconds", "How far the exchange's time may be off.", registry=registry
    )
    uncertainty.set_function(clock.uncertainty_seconds)


def _code(trade: Trade) -> str:
    """The reason without its details, which would make too many series."""
    return (trade.error_reason or "").partition(":")[0]
