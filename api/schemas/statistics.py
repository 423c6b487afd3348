"""Statistics and results."""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime

from api.schemas.base import Amount, Answer
from api.schemas.status import ExposureStatus
from shared.events import Mode, Side, TradeStatus


class Lead(Answer):
    """Number of listings one source saw before another, and its lead; times are within 5 %."""

    first: str
    other: str
    times: int
    p50_ms: float
    p95_ms: float


class ListingStats(Answer):
    """Listings of a window, which begins with a full hour."""

    since: AwareDatetime
    until: AwareDatetime
    total: int
    by_source: dict[str, int]
    """By first source."""
    first: dict[str, int]
    """Number of listings each source saw before another."""
    leads: list[Lead]


class Bucket(Answer):
    """Samples longer than the previous bucket's bound, up to this one's."""

    up_to_ms: float
    samples: int


class Latency(Answer):
    """Latency of one stage; times are within 5 %."""

    stage: Literal["publish", "dedup", "decide", "order", "total", "sale"]
    samples: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    buckets: list[Bucket]


class HourLatency(Answer):
    """Latency of one stage within an hour; times are within 5 %."""

    hour: AwareDatetime
    samples: int
    p50_ms: float
    p95_ms: float


class StageHours(Answer):
    """The hours with samples of a stage, the oldest first."""

    stage: Literal["publish", "dedup", "decide", "order", "total", "sale"]
    hours: list[HourLatency]


class ModeHours(Answer):
    """Hourly latencies of one mode."""

    mode: Mode
    stages: list[StageHours]


class LatencyHours(Answer):
    """Latencies over a window, which begins with a full hour; hours without samples are omitted."""

    since: AwareDatetime
    until: AwareDatetime
    modes: list[ModeHours]


class Refusals(Answer):
    """Number of refusals for one reason."""

    side: Side
    code: str
    words: str
    count: int


class Result(Answer):
    """Results of positions, fees included."""

    realised_usdt: Amount
    """Of positions ended in the window."""
    closed: int
    unrealised_usdt: Amount | None
    """Current worth of held positions less their cost; null unless known for all of them."""
    open: int


class ModeStats(Answer):
    """Trades of one mode."""

    mode: Mode
    count: int
    by_status: dict[TradeStatus, int]
    error_rate: float | None
    """Share of orders to be sent that failed or were rejected by the exchange; null if there were none."""
    spent_usdt: Amount
    received_usdt: Amount
    refusals: list[Refusals]
    latency: list[Latency]
    result: Result
    exposure: ExposureStatus


class TradeStats(Answer):
    """Trades of a window, which begins with a full hour, for each mode."""

    since: AwareDatetime
    until: AwareDatetime
    modes: list[ModeStats]


class DayResult(Answer):
    """Results of positions ended on one day (UTC)."""

    day: date
    closed: int
    won: int
    realised_usdt: Amount
    cumulative_usdt: Amount
    """Since the first day of the series."""


class ModeResults(Answer):
    """A series of days without gaps, the oldest first."""

    mode: Mode
    total_usdt: Amount
    """Of the days of the series."""
    all_time_usdt: Amount
    """Of all ended positions; those older than a month as of the first read."""
    days: list[DayResult]


class Results(Answer):
    """Results by mode."""

    since: date
    until: date
    modes: list[ModeResults]
