"""Latency over time: how long each stage took in each hour."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from api.reading.answers import HourLatency, LatencyHours, ModeHours, StageHours
from api.reading.reader import Reader, Row
from api.reading.statistics.histogram import percentile_ms
from api.reading.statistics.trade_stats import STAGES
from api.reading.statistics.windows import Window
from shared.events import Mode, utc_now

BY_HOUR: Final = """
    SELECT hour, mode, stage, bucket, sum(samples)::bigint AS samples
    FROM latency_hours WHERE hour >= $1 GROUP BY hour, mode, stage, bucket HAVING sum(samples) > 0
"""


async def read(reader: Reader, window: Window) -> LatencyHours:
    """Return the times of *window*; raises TransientError."""
    now = utc_now()
    since = window.since(now)
    rows = await reader.fetch(BY_HOUR, since)
    modes = [ModeHours(mode=mode, stages=by_stage(row for row in rows if row["mode"] == mode)) for mode in Mode]
    return LatencyHours(since=since, until=now, modes=modes)


def by_stage(rows: Iterable[Row]) -> list[StageHours]:
    """Return the hours of each stage of which there are samples, in the order of the stages."""
    counts: defaultdict[str, defaultdict[datetime, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    for row in rows:
        counts[row["stage"]][row["hour"]][row["bucket"]] += row["samples"]
    return [_stage(stage, counts[stage]) for stage in STAGES if stage in counts]


def _stage(stage: Any, hours: Mapping[datetime, Mapping[int, int]]) -> StageHours:
    return StageHours(stage=stage, hours=[_hour(hour, hours[hour]) for hour in sorted(hours)])


def _hour(hour: datetime, counts: Mapping[int, int]) -> HourLatency:
    return HourLatency(
        hour=hour,
        samples=sum(counts.values()),
        p50_ms=percentile_ms(counts, 0.5),
        p95_ms=percentile_ms(counts, 0.95),
    )
