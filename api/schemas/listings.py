"""Upcoming listings, and the story of each listing."""

from typing import Literal

from pydantic import AwareDatetime

from api.schemas.base import Amount, Answer
from api.schemas.rows import ListingRow, PositionRow, TradeRow
from shared.events import Mode, Source, TradeStatus


class UpcomingListing(Answer):
    """A coin announced or listed that does not trade yet."""

    listing_key: str
    symbol: str
    quote_asset: str
    state: Literal["announced", "listed"]
    opens_at: AwareDatetime | None
    """None while unknown."""
    seconds_left: float | None
    """Until it opens by the exchange's clock; negative if that has passed without a trade."""
    moved_from: AwareDatetime | None
    """The former opening, if it moved."""
    first_seen_at: AwareDatetime
    waited_for: list[Mode]
    """Modes in which an order waits for its opening."""


class Upcoming(Answer):
    """Upcoming openings, the soonest first, those without a time last."""

    now: AwareDatetime
    exchange_now: AwareDatetime | None
    """Base of countdowns; null while the exchange's clock is unknown, and `seconds_left` follows ours."""
    items: list[UpcomingListing]


class Sighting(Answer):
    """The first sighting of a listing by one source."""

    source: Source
    lag_ms: int
    """After the sighting that became the listing; 0 for that one, negative if it was earlier and reported later."""


class Stage(Answer):
    """A timed stage of a listing."""

    name: str
    mode: Mode | None
    """For stages of one mode only."""
    at: AwareDatetime
    after_ms: float
    """Since it was observed."""


class Decision(Answer):
    """The decision on a listing in one mode, in words."""

    mode: Mode
    status: TradeStatus
    code: str
    """Reason for not buying; empty if it was bought, or may yet be."""
    words: str
    limits: dict[str, str]
    """The limits that applied."""


class PriceMark(Answer):
    """A known price of the coin, in its quote asset."""

    name: Literal["listed", "paid", "peak", "now", "sold"]
    mode: Mode | None
    price: Amount
    change_pct: Amount | None
    """Against the price at its listing; null if that is unknown."""


class Occurrence(Answer):
    """One listing of a symbol, with its decisions, trades and positions."""

    listing: ListingRow
    opens_at: AwareDatetime | None
    """The latest known opening."""
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
