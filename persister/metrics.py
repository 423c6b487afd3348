"""What the persister measures, each by table."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BATCH_ROWS: tuple[float, ...] = (1, 2, 5, 10, 20, 50, 100, 200)
FLUSH_SECONDS: tuple[float, ...] = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5)


class Metrics:
    """Rows, batches, and whether they get through."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ["table"]
        self.rows = Counter("sniper_persister_rows_total", "Rows written.", labels, registry=registry)
        self.duplicates = Counter(
            "sniper_persister_duplicates_total",
            "Events that changed nothing: their row, or a later one, was there already.",
            labels,
            registry=registry,
        )
        self.batch_rows = Histogram(
            "sniper_persister_batch_rows", "Events in one commit.", labels, buckets=BATCH_ROWS, registry=registry
        )
        self.flush_seconds = Histogram(
            "sniper_persister_flush_seconds", "Time of one commit.", labels, buckets=FLUSH_SECONDS, registry=registry
        )
        self.database_away = Gauge(
            "sniper_persister_database_away", "1 while commits fail and events wait.", labels, registry=registry
        )
