"""Latency of each stage by hour."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from api.reading.reader import Reader, Row
from api.reading.statistics.histogram import percentile_ms
from api.reading.statistics.trade_stats import STAGES
from api.reading.statistics.windows import Window
from api.schemas import HourLatency, LatencyHours, ModeHours, StageHours
from shared.events import Mode, utc_now

BY_HOUR: Final = """
    SELECT hour, mode, stage, bucket, sum(samples)::bigint AS samples
    FROM latency_hours WHERE hour >= $1 GROUP BY hour, mode, stage, bucket HAVING sum(samples) > 0
"""


async def read(reader: Reader, window: Window) -> LatencyHours:
    """Return the latencies of *window*; raises TransientError."""
    now = utc_now()
    since = window.since(now)
    rows = await reader.fetch(BY_HOUR, since)
    modes = [ModeHours(mode=mode, stages=by_stage(row for row in rows if row["mode"] == mode)) for mode in Mode]
    return LatencyHours(since=since, until=now, modes=modes)


def by_stage(rows: Iterable[Row]) -> list[StageHours]:
    """Return the hours of each stage with samples, in the order of the stages."""
    counts: defaultdict[str, defaultdict[datetime, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    for row in rows:
        counts[row["stage"]][row["hour"]][row["bucket"]] += row["samples"]
    found: Mapping[Any, Mapping[datetime, Counter[int]]] = {stage: counts[stage] for stage in STAGES if stage in counts}
    return [
        StageHours(
            stage=stage,
            hours=[
                HourLatency(
                    hour=hour,
                    samples=samples.total(),
                    p50_ms=percentile_ms(samples, 0.5),
                    p95_ms=percentile_ms(samples, 0.95),
                )
                for hour, samples in sorted(by_hour.items())
            ],
        )
        for stage, by_hour in found.items()
    ]
