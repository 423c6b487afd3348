"""Statistics of trades: outcomes, refusals, latency of each stage, and results."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from api.operator import trade_config
from api.reading import health, status
from api.reading.reader import Reader, Row
from api.reading.reason_texts import ReasonKind, reason_text
from api.reading.statistics import results
from api.reading.statistics.histogram import percentile_ms, up_to_ms
from api.reading.statistics.windows import Window
from api.schemas import Bucket, ExposureStatus, Latency, ModeStats, Refusals, Result, TradeStats
from shared.events import Mode, Side, TradeStatus, utc_now
from shared.postgres.database import Database

TRADES: Final = """
    SELECT mode, side, status, reason, sum(trades)::bigint AS trades, sum(quote_qty) AS quote_qty
    FROM trade_hours WHERE hour >= $1 GROUP BY mode, side, status, reason HAVING sum(trades) > 0
"""
LATENCY: Final = """
    SELECT mode, stage, bucket, sum(samples)::bigint AS samples
    FROM latency_hours WHERE hour >= $1 GROUP BY mode, stage, bucket HAVING sum(samples) > 0
"""
STAGES: Final = ("publish", "dedup", "decide", "order", "total", "sale")
_SENT: Final = frozenset({ReasonKind.EXCHANGE, ReasonKind.FAULT})
"""Kinds of refusals of orders that were to be sent."""


async def read(database: Database, reader: Reader, window: Window) -> TradeStats:
    """Return the statistics of *window*; raises TransientError."""
    now = utc_now()
    since = window.since(now)
    trades, latency = await reader.fetch(TRADES, since), await reader.fetch(LATENCY, since)
    exposure = await status.exposure_of(reader, await trade_config.read(database))
    components = [health.component_of(row, now) for row in await reader.fetch(health.COMPONENTS)]
    earned = await results.window_results(reader, components, since)
    modes = [mode_stats(one, _of(one.mode, trades), _of(one.mode, latency), earned[one.mode]) for one in exposure]
    return TradeStats(since=since, until=now, modes=modes)


def _of(mode: Mode, rows: Iterable[Row]) -> list[Row]:
    return [row for row in rows if row["mode"] == mode]


def mode_stats(exposure: ExposureStatus, trades: Sequence[Row], latency: Iterable[Row], result: Result) -> ModeStats:
    """Summarise the rows of one mode."""
    by_status: Counter[TradeStatus] = Counter()
    for row in trades:
        by_status[TradeStatus(row["status"])] += row["trades"]
    return ModeStats(
        mode=exposure.mode,
        count=by_status.total(),
        by_status=dict(by_status),
        error_rate=error_rate(trades),
        spent_usdt=_filled(trades, Side.BUY),
        received_usdt=_filled(trades, Side.SELL),
        refusals=refusals(trades),
        latency=latencies(latency),
        result=result,
        exposure=exposure,
    )


def error_rate(trades: Iterable[Row]) -> float | None:
    """Return the share of orders to be sent that failed or were refused by the exchange."""
    sent, failed = 0, 0
    for row in trades:
        if row["status"] == TradeStatus.FILLED:
            sent += row["trades"]
        elif row["status"] == TradeStatus.FAILED or (row["reason"] and reason_text(row["reason"]).kind in _SENT):
            failed += row["trades"]
    return round(failed / (sent + failed), 4) if sent + failed else None


def refusals(trades: Iterable[Row]) -> list[Refusals]:
    """Return the number of refusals by reason, the most frequent first."""
    counts: Counter[tuple[Side, str]] = Counter()
    for row in trades:
        if row["reason"]:
            counts[Side(row["side"]), row["reason"]] += row["trades"]
    return [
        Refusals(side=side, code=code, words=reason_text(code).sentence, count=count)
        for (side, code), count in counts.most_common()
    ]


def latencies(rows: Iterable[Row]) -> list[Latency]:
    """Return the distribution of each stage with samples, in the order of the stages."""
    counts: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for row in rows:
        counts[row["stage"]][row["bucket"]] += row["samples"]
    return [_latency(stage, counts[stage]) for stage in STAGES if counts[stage]]


def _latency(stage: Any, counts: Mapping[int, int]) -> Latency:
    return Latency(
        stage=stage,
        samples=sum(counts.values()),
        p50_ms=percentile_ms(counts, 0.5),
        p95_ms=percentile_ms(counts, 0.95),
        p99_ms=percentile_ms(counts, 0.99),
        buckets=[Bucket(up_to_ms=up_to_ms(bucket), samples=counts[bucket]) for bucket in sorted(counts)],
    )


def _filled(trades: Iterable[Row], side: Side) -> Decimal:
    filled = (row["quote_qty"] for row in trades if row["status"] == TradeStatus.FILLED and row["side"] == side)
    return sum(filled, Decimal("0.00"))
