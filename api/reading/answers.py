"""Answers of the read side beside the rows of lists: their schema, as OpenAPI shows it."""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime

from api.schemas import (
    Amount,
    Answer,
    ComponentHealth,
    ExposureRow,
    ListingRow,
    PositionRow,
    TradeConfig,
    TradeRow,
)
from shared.events import Mode, Side, Source, TradeStatus

Overall = Literal["ok", "degraded", "error"]
Trading = Literal["live", "armed", "dry-run"]


class Feed(Answer):
    """One stream of evidence that ingest has of the exchange."""

    name: str
    age_seconds: float
    """Since its last data."""
    trouble: str
    """Empty while it is well."""
    optional: bool
    """Whether listings are seen without it too."""


class LatestListing(Answer):
    """The listing that was stored last."""

    symbol: str
    source: Source
    created_at: AwareDatetime
    age_seconds: float


class Troubles(Answer):
    """Warnings and errors that one process logged in the last hour."""

    process: str
    components: list[str]
    warnings: int
    errors: int
    latest: list[str]
    """Newest first, each with its time."""


class Health(Answer):
    """Whether all is well, each component, and how fresh what is seen of the exchange is."""

    status: Overall
    version: str
    now: AwareDatetime
    components: list[ComponentHealth]
    feeds: list[Feed]
    latest_listing: LatestListing | None
    troubles: list[Troubles]


class Alive(Answer):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Gate(Answer):
    """One condition of live trading."""

    name: str
    open: bool
    reason: str
    """Why it is closed; empty while it is open."""


class ExposureStatus(ExposureRow):
    """What is at stake in one mode, against its limit."""

    limit_usdt: Amount
    room_usdt: Amount
    """What may still be spent."""


class Status(Answer):
    """What trading may do now, and why not more."""

    now: AwareDatetime
    exchange_now: AwareDatetime | None
    """By the exchange's clock; null while that is unknown."""
    trading: Trading
    """`live`: an order would cost money now. `armed`: it would but for the gates that are closed. `dry-run`: it is only
    computed."""
    gates: list[Gate]
    """All must be open for an order to cost money."""
    health: Overall
    config: TradeConfig
    exposure: list[ExposureStatus]


class UpcomingListing(Answer):
    """A coin that is announced or listed and does not trade yet."""

    listing_key: str
    symbol: str
    quote_asset: str
    state: Literal["announced", "listed"]
    opens_at: AwareDatetime | None
    """None while nobody knows it."""
    seconds_left: float | None
    """Until it opens by the exchange's clock; negative once that has passed and it was not seen to trade."""
    moved_from: AwareDatetime | None
    """The opening that was told before, where it moved."""
    first_seen_at: AwareDatetime
    waited_for: list[Mode]
    """Modes in which it is to be bought at its opening."""


class Upcoming(Answer):
    """Openings to come, the soonest first, those without a time last."""

    now: AwareDatetime
    exchange_now: AwareDatetime | None
    """What countdowns count from; null while the exchange's clock is unknown, and `seconds_left` goes by ours."""
    items: list[UpcomingListing]


class Sighting(Answer):
    """The first word of one source on a listing."""

    source: Source
    lag_ms: int
    """After the sighting that became the listing; 0 for that one, negative where it was seen before and told after."""


class Stage(Answer):
    """A moment on the way of a listing."""

    name: str
    mode: Mode | None
    """Of what is done in one mode only."""
    at: AwareDatetime
    after_ms: float
    """After it was observed."""


class Decision(Answer):
    """What was decided on a listing in one mode, in words."""

    mode: Mode
    status: TradeStatus
    code: str
    """Why it was not bought; empty where it was, or may yet be."""
    words: str
    limits: dict[str, str]
    """The limits that bound it."""


class PriceMark(Answer):
    """A price that is known of the coin, in its quote asset."""

    name: Literal["listed", "paid", "peak", "now", "sold"]
    mode: Mode | None
    price: Amount
    change_pct: Amount | None
    """Against the price at its listing; null where that is not known."""


class Occurrence(Answer):
    """One listing of a symbol, and all that came of it."""

    listing: ListingRow
    opens_at: AwareDatetime | None
    """The latest word on its opening."""
    seen: list[Sighting]
    """The earliest first."""
    stages: list[Stage]
    decisions: list[Decision]
    trades: list[TradeRow]
    positions: list[PositionRow]
    prices: list[PriceMark]


class ListingStory(Answer):
    """Every listing of a symbol, newest first."""

    symbol: str
    occurrences: list[Occurrence]


class Lead(Answer):
    """How often one source saw a listing before another, and by how much; a time is within 5 %."""

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
    """By the source that brought it."""
    first: dict[str, int]
    """How often each source saw a listing before another did."""
    leads: list[Lead]


class Bucket(Answer):
    """Samples that took longer than the bucket before, and at most so long."""

    up_to_ms: float
    samples: int


class Latency(Answer):
    """How long one stage took; each time is within 5 %."""

    stage: Literal["publish", "dedup", "decide", "order", "total", "sale"]
    samples: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    buckets: list[Bucket]


class HourLatency(Answer):
    """How long one stage took within an hour; each time is within 5 %."""

    hour: AwareDatetime
    samples: int
    p50_ms: float
    p95_ms: float


class StageHours(Answer):
    """The hours in which a stage was timed, the oldest first."""

    stage: Literal["publish", "dedup", "decide", "order", "total", "sale"]
    hours: list[HourLatency]


class ModeHours(Answer):
    """How the times of one mode went on."""

    mode: Mode
    stages: list[StageHours]


class LatencyHours(Answer):
    """Times over a window, which begins with a full hour; hours without a sample are left out."""

    since: AwareDatetime
    until: AwareDatetime
    modes: list[ModeHours]


class Refusals(Answer):
    """How often nothing was bought, or sold, for one reason."""

    side: Side
    code: str
    words: str
    count: int


class Result(Answer):
    """What positions came to, fees counted in."""

    realised_usdt: Amount
    """Of those that ended in the window."""
    closed: int
    unrealised_usdt: Amount | None
    """What those that are held would bring less what they cost; null where that is not known of all of them."""
    open: int


class ModeStats(Answer):
    """Trades of one mode."""

    mode: Mode
    count: int
    by_status: dict[TradeStatus, int]
    error_rate: float | None
    """Orders that failed or that the exchange refused, of all that were to be sent; null where none was."""
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
    """What the positions that ended on one day (UTC) came to."""

    day: date
    closed: int
    won: int
    realised_usdt: Amount
    cumulative_usdt: Amount
    """Since the first day of the series."""


class ModeResults(Answer):
    """A series of days without a gap, the oldest first."""

    mode: Mode
    total_usdt: Amount
    """Of the days of the series."""
    all_time_usdt: Amount
    """Of every position that ever ended; of more than a month ago as it stood when this was first read."""
    days: list[DayResult]


class Results(Answer):
    """What was earned or lost, for each mode."""

    since: date
    until: date
    modes: list[ModeResults]
