"""Report of `sniper demo`: counts of listings and trades, and the latency of each stage."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from types import MappingProxyType
from typing import Final

from rich.table import Table

from shared.postgres.database import Database
from shared.process.runtime import Runtime

STAGES: Final = ("published", "deduplicated", "decided", "answered", "stored")
MEANING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "published": "frame received → raw published",
        "deduplicated": "raw published → deduplicated",
        "decided": "deduplicated → decided",
        "answered": "decided → order answered",
        "stored": "order answered → stored",
    }
)

COUNT = """
    SELECT (SELECT count(*) FROM listing_claims) AS detected,
           (SELECT count(*) FROM listings) AS stored,
           (SELECT count(*) FROM trades WHERE status = 'filled') AS traded
"""
# A row is stored when its transaction commits, which only the server knows.
TIMES = "SELECT stages, pg_xact_commit_timestamp(xmin) AS stored_at FROM trades WHERE status = 'filled'"


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Counts of listings and trades, and the p50 and p99 of each stage in milliseconds."""

    wanted: int
    detected: int
    duplicates_dropped: int
    stored: int
    traded: int
    stages: Mapping[str, Mapping[str, float]]

    @property
    def complete(self) -> bool:
        """Return whether every listing was traded and stored."""
        return self.detected == self.stored == self.traded == self.wanted

    def as_json(self) -> Mapping[str, object]:
        """Return the report as `--json` prints it."""
        return {
            "detected": self.detected,
            "duplicates_dropped": self.duplicates_dropped,
            "stored": self.stored,
            "traded": self.traded,
            "stages": self.stages,
        }


async def read(runtime: Runtime, listings: int) -> DemoReport:
    """Return the report on *listings* coins, as of now."""
    async with runtime.database.connection() as connection:
        times = [stage_times(row["stages"], row["stored_at"]) for row in await connection.fetch(TIMES)]
    return DemoReport(
        wanted=listings,
        duplicates_dropped=duplicates(runtime),
        stages=summarise(times),
        **await count(runtime.database),
    )


async def count(database: Database) -> dict[str, int]:
    """Return the numbers of listings detected, stored and traded."""
    async with database.connection() as connection:
        row = await connection.fetchrow(COUNT)
    return dict(row) if row else {}


def duplicates(runtime: Runtime) -> int:
    """Return the number of second sightings that dedup has dropped."""
    return sum(
        int(sample.value)
        for metric in runtime.telemetry.registry.collect()
        for sample in metric.samples
        if sample.name == "sniper_dedup_duplicates_total"
    )


def stage_times(stages: Mapping[str, str], stored_at: datetime) -> Sequence[datetime]:
    """Return the times of a trade's stages, without the wait for an announced opening."""
    names = ("observed_at", "published_at", "deduplicated_at", "decided_at", "answered_at")
    observed_at, published_at, deduplicated_at, *later = (datetime.fromisoformat(stages[name]) for name in names)
    due_at = datetime.fromisoformat(stages["due_at"]) if stages.get("due_at") else deduplicated_at
    waited = max(due_at - deduplicated_at, timedelta(0))
    decided_at, answered_at, stored_at = (max(each, due_at) - waited for each in (*later, stored_at))
    return [observed_at, published_at, deduplicated_at, decided_at, answered_at, stored_at]


def summarise(journeys: Sequence[Sequence[datetime]]) -> Mapping[str, Mapping[str, float]]:
    """Return the p50 and p99, in milliseconds, of each stage; nothing for no journeys."""
    if not journeys:
        return {}
    steps = [[(later - earlier).total_seconds() * 1000 for earlier, later in pairwise(one)] for one in journeys]
    return {
        stage: {"p50_ms": round(statistics.median(step), 3), "p99_ms": round(percentile_99(step), 3)}
        for stage, step in zip(STAGES, zip(*steps, strict=True), strict=True)
    }


def percentile_99(values: Sequence[float]) -> float:
    """Return the nearest-rank 99th percentile: a value that occurred."""
    return sorted(values)[-(-99 * len(values) // 100) - 1]


def table(report: DemoReport) -> Table:
    """Return the latencies of the stages as a table."""
    shown = Table(title=f"{report.traded} of {report.wanted} listings traded", title_justify="left")
    shown.add_column("stage")
    shown.add_column("p50 ms", justify="right")
    shown.add_column("p99 ms", justify="right")
    for stage, figures in report.stages.items():
        shown.add_row(MEANING[stage], f"{figures['p50_ms']:.2f}", f"{figures['p99_ms']:.2f}")
    return shown
