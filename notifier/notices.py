"""Notices for people, made from events. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from shared.events import Event, Health, Listing, ListingRescheduled, Mode, Side, Trade, TradeStatus


class Kind(StrEnum):
    """Groups of notices that rules distinguish."""

    LISTING = "listing"
    OPENING = "opening"
    """Moved opening of a known listing."""
    PURCHASE = "purchase"
    REFUSAL = "refusal"
    """Listing that was not bought."""
    EXIT = "exit"
    HALT = "halt"
    HEALTH = "health"
    """Component that degraded, failed, fell silent or recovered; silent sources are in that of `ingest`."""


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        return _RANKS[self]


_RANKS: Final = {Severity.INFO: 0, Severity.WARNING: 1, Severity.ERROR: 2}
_ACTS: Final = {Side.BUY: "bought", Side.SELL: "sold"}


@dataclass(frozen=True, slots=True)
class Notice:
    """One message: a title that stands alone, and further text."""

    id: str
    """The event's id: a redelivered event is one notice."""
    kind: Kind
    severity: Severity
    title: str
    text: str
    at: datetime


def notice_of(event: Event) -> Notice | None:
    """Return the notice of a listing, an opening or a trade; None without news.

    Health is judged over time: see `notifier.health_watch`.
    """
    match event:
        case ListingRescheduled():
            when = "now" if event.opens_at is None else _moment(event.opens_at)
            title = f"Opening moved: {event.symbol}"
            return Notice(event.id, Kind.OPENING, Severity.INFO, title, f"opens {when}", event.time)
        case Listing():
            return _listing(event)
        case Trade(status=TradeStatus.PENDING) | Health():
            return None
        case Trade(side=Side.BUY):
            return _purchase(event)
        case Trade():
            return _exit(event)
        case _:
            return None


def _listing(listing: Listing) -> Notice:
    seen_at = listing.observed_at
    remarks = [f"seen by {listing.source} at {seen_at:%H:%M:%S}.{seen_at.microsecond // 1000:03d} UTC"]
    if listing.opens_at is not None and listing.opens_at > listing.observed_at:
        remarks.append(f"opens {_moment(listing.opens_at)}")
    if listing.late:
        remarks.append("late: it may be long open")
    if not listing.tradable:
        remarks.append(f"not traded: {listing.not_tradable_reason}")
    if listing.price is not None:
        remarks.append(f"at {plain(listing.price)}")
    title = f"Listed: {listing.symbol}"
    return Notice(listing.id, Kind.LISTING, Severity.INFO, title, ", ".join(remarks), listing.time)


def _purchase(trade: Trade) -> Notice:
    if trade.status is TradeStatus.FILLED:
        title = f"{_label(trade.mode)} Bought: {trade.symbol}"
        return Notice(trade.id, Kind.PURCHASE, Severity.INFO, title, _amounts(trade, "spent"), trade.time)
    if trade.status is TradeStatus.REJECTED:
        title = f"{_label(trade.mode)} Not bought: {trade.symbol}"
        return Notice(trade.id, Kind.REFUSAL, Severity.INFO, title, trade.error_reason or "refused", trade.time)
    return _failure(trade, Kind.PURCHASE)


def _exit(trade: Trade) -> Notice:
    why = (trade.exit_reason or "sold").replace("_", " ")
    if trade.status is TradeStatus.FILLED:
        title = f"{_label(trade.mode)} Sold: {trade.symbol} ({why})"
        return Notice(trade.id, Kind.EXIT, Severity.INFO, title, _amounts(trade, "received"), trade.time)
    if trade.status is TradeStatus.REJECTED:
        title = f"{_label(trade.mode)} Not sold: {trade.symbol} ({why})"
        return Notice(trade.id, Kind.EXIT, Severity.WARNING, title, trade.error_reason or "refused", trade.time)
    return _failure(trade, Kind.EXIT)


def _failure(trade: Trade, kind: Kind) -> Notice:
    title = f"{_label(trade.mode)} Could not be {_ACTS[trade.side]}: {trade.symbol}"
    return Notice(trade.id, kind, Severity.ERROR, title, trade.error_reason or "failed", trade.time)


def _amounts(trade: Trade, verb: str) -> str:
    words = [f"{plain(trade.quote_qty)} USDT {verb}"]
    if trade.base_qty is not None and trade.average_price is not None:
        words.append(f"{plain(trade.base_qty)} at {plain(trade.average_price)}")
    if trade.ack_latency_ms is not None:
        words.append(f"{trade.ack_latency_ms} ms from decision to answer")
    return ", ".join(words)


def _label(mode: Mode) -> str:
    """Begin with the mode: the first word shows whether money moved."""
    return "[LIVE]" if mode is Mode.LIVE else "[dry-run]"


def plain(number: Decimal) -> str:
    """Return *number* without an exponent and without trailing zeros."""
    return f"{number.normalize():f}"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
