"""Websocket channels, by MEXC's names."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Feed(StrEnum):
    MINI_TICKERS = "miniTickers"
    MINI_TICKER = "miniTicker"
    DEALS = "aggre.deals"
    BOOK_TICKER = "aggre.bookTicker"
    PRIVATE_ORDERS = "private.orders"
    PRIVATE_DEALS = "private.deals"
    PRIVATE_ACCOUNT = "private.account"

    @property
    def is_private(self) -> bool:
        return self.startswith("private.")


@dataclass(frozen=True, slots=True)
class Channel:
    name: str  # in full, as requested
    feed: Feed
    symbol: str | None = None
    interval_ms: int | None = None  # None: the interval of the tickers; 0: as it happens


_ZONE = r"(?:24H|UTC[+-]\d{1,2}(?::\d{2})?)"
_SYMBOL = r"[^@\s]{3,40}"
_TICKERS = re.compile(rf"spot@public\.miniTickers\.v3\.api\.pb@{_ZONE}")
_TICKER = re.compile(rf"spot@public\.miniTicker\.v3\.api\.pb@({_SYMBOL})@{_ZONE}")
_AGGREGATED = re.compile(rf"spot@public\.(aggre\.deals|aggre\.bookTicker)\.v3\.api\.pb@(10|100)ms@({_SYMBOL})")
_PRIVATE = re.compile(r"spot@(private\.(?:orders|deals|account))\.v3\.api\.pb")


def parse(name: str) -> Channel | None:
    """Return the channel, or None if the exchange has none of that name (old JSON channels, lower-case symbols)."""
    if _TICKERS.fullmatch(name):
        return Channel(name, Feed.MINI_TICKERS)
    if found := _TICKER.fullmatch(name):
        return _of_symbol(Channel(name, Feed.MINI_TICKER, symbol=found[1]))
    if found := _AGGREGATED.fullmatch(name):
        return _of_symbol(Channel(name, Feed(found[1]), symbol=found[3], interval_ms=int(found[2])))
    if found := _PRIVATE.fullmatch(name):
        return Channel(name, Feed(found[1]), interval_ms=0)
    return None


def _of_symbol(channel: Channel) -> Channel | None:
    return channel if channel.symbol == (channel.symbol or "").upper() else None
