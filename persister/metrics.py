"""Metrics of the persister, by table."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BATCH_ROWS: tuple[float, ...] = (1, 2, 5, 10, 20, 50, 100, 200)
FLUSH_SECONDS: tuple[float, ...] = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)

LAG_SECONDS: tuple[float, ...] = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)


class Metrics:
    """Rows, batches, and failures of commits."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rows = Counter("sniper_persister_rows_total", "Rows written.", ["table"], registry=registry)
        self.duplicates = Counter(
            "sniper_persister_duplicates_total",
            "Events that changed nothing: their row, or a later one, was there already.",
            ["table"],
            registry=registry,
        )
        self.batch_rows = Histogram(
            "sniper_persister_batch_rows", "Events in one commit.", ["table"], buckets=BATCH_ROWS, registry=registry
        )
        self.lag_seconds = Histogram(
            "sniper_persister_lag_seconds",
            "From what an event tells of to its row being committed.",
            ["table"],
            buckets=LAG_SECONDS,
            registry=registry,
        )
        self.flush_seconds = Histogram(
            "sniper_persister_flush_seconds", "Time of one commit.", ["table"], buckets=FLUSH_SECONDS, registry=registry
        )
        self.database_away = Gauge(
            "sniper_persister_database_away", "1 while commits fail and events wait.", ["table"], registry=registry
        )
