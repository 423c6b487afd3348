"""Listings and trades as lines of words, for the screen of `sniper up`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from rich.text import Text

from api.schemas import ListingRow, TradeRow
from cli.display import tables
from cli.display.results import Result
from cli.display.watch import happened_at
from shared.events import Mode, Side, TradeStatus

SYMBOL_WIDTH: Final = 15
_Words = tuple[str, str, Text]
"""The event in one word, the style of that word, and the rest of the line."""
REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "not_filled": "nothing was on offer at a price we pay",
        "no_liquidity": "nobody offers anything",
        "max_position": "as much is held as may be",
        "orders_per_minute": "as many orders as are allowed in a minute",
        "orders_per_day": "as many orders as are allowed in a day",
        "daily_spend": "as much was spent as may be in a day",
        "filtered": "of a kind that is not traded",
        "stale_listing": "seen or opened too long ago",
        "halted": "trading is halted",
        "not_open": "it did not open as long as we asked",
        "opening_passed": "it could not be sent in time",
    }
)
"""Words for the reasons of a first run; any other is shown by its code."""
SALE_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "not_filled": "nothing was bid at a price we take",
        "no_liquidity": "nothing is bid",
        "not_open": "it does not trade",
        "too_late": "it could not be sent in time",
    }
)


@dataclass(slots=True)
class TradeTally:
    """Purchases and sales since the start."""

    bought: int = 0
    sold: int = 0
    refused: int = 0
    gain: Decimal = Decimal(0)

    def count(self, row: ListingRow | TradeRow, result: Result | None) -> None:
        if isinstance(row, ListingRow):
            return
        is_filled = row.status is TradeStatus.FILLED
        self.bought += is_filled and row.side is Side.BUY
        self.sold += result is not None
        self.refused += row.status in {TradeStatus.REJECTED, TradeStatus.FAILED} and row.side is Side.BUY
        self.gain += Decimal(0) if result is None else result.gain


def line(row: ListingRow | TradeRow, result: Result | None, now: datetime) -> Text:
    """Return one row as one line; *result* is that of the position a sale closed."""
    if isinstance(row, ListingRow):
        what, style, words = _listing(row, now)
    else:
        what, style, words = _purchase(row) if row.side is Side.BUY else _sale(row, result)
    is_live = isinstance(row, TradeRow) and row.mode is Mode.LIVE
    symbol = row.symbol.ljust(SYMBOL_WIDTH)
    start = Text.assemble((f"{happened_at(row):%H:%M:%S}  ", "dim"), (f"{what:<9}", style), (symbol, "bold"))
    return Text.assemble(start, words, ("  live", "bold red") if is_live else "")


def _purchase(row: TradeRow) -> _Words:
    match row.status:
        case TradeStatus.FILLED:
            latency = "" if row.ack_latency_ms is None else f", {row.ack_latency_ms} ms after the decision"
            return "bought", "magenta", Text(f"{row.quote_qty:f} USDT{_price(row)}{latency}")
        case TradeStatus.PENDING:
            return "waits", "blue", Text(_reason(row) or "to be bought once it opens")
        case TradeStatus.REJECTED:
            return "refused", "yellow", Text(_reason(row))
        case TradeStatus.FAILED:
            return "failed", "red", Text(_reason(row))


def _sale(row: TradeRow, result: Result | None) -> _Words:
    why = _words(row.exit_reason)
    match row.status:
        case TradeStatus.FILLED:
            style = "green" if result is None or result.gain >= 0 else "yellow"
            gain = "" if result is None else f"{tables.signed(result.percent, 1)} %".ljust(9)
            words = f"{row.quote_qty:f} USDT{_price(row)}, {why}"
            return "sold", style, Text.assemble((gain, f"bold {style}"), words)
        case TradeStatus.PENDING:
            return "selling", "yellow", Text(_reason(row) or why)
        case _:
            return "unsold", "yellow", Text(f"{why}, to be tried again: {_reason(row)}")


def _listing(row: ListingRow, now: datetime) -> _Words:
    source = f"seen by {row.source.removeprefix('mexc_').replace('_', ' ')}"
    if not row.tradable:
        return "listed", "cyan", Text(f"{source}, not to be traded: {row.not_tradable_reason}")
    if row.opens_at is None or row.opens_at <= now:
        return "listed", "cyan", Text(source)
    opens = f"opens in {(row.opens_at - now).total_seconds():.0f} s, at {row.opens_at:%H:%M:%S} UTC"
    return "listed", "cyan", Text.assemble((opens, "bold"), f", {source}")


def _price(row: TradeRow) -> str:
    return "" if row.average_price is None else f" at {tables.rounded(row.average_price)}"


def _reason(row: TradeRow) -> str:
    code, _, detail = (row.error_reason or "").partition(":")
    if not code:
        return ""
    known = (REASONS if row.side is Side.BUY else SALE_REASONS).get(code)
    return f"{known} ({code}){detail and f':{detail}'}" if known else f"{_words(code)}{detail and f':{detail}'}"


def _words(code: str | None) -> str:
    return (code or "").replace("_", " ")
