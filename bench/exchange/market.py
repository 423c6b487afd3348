"""Market data of the venue: a few thousand trading coins, and frames with newcomers."""

import time
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from itertools import cycle, islice
from typing import Final

import msgspec

from ingest.streams.ticker_stream import CHANNEL
from shared.mexc.streams.symbol_channels import book_channel
from simulator.market.book import Level
from simulator.market.exchange_info import ExchangeInfo
from simulator.market.order_validation import TradingRules
from simulator.stream.frames import book_ticker_frame, repeated_item, ticker_item, tickers_frame
from simulator.symbols import Catalogue, Instrument, symbol_generator

NAMES_PATH: Final = "/api/v3/defaultSymbols"
DEPTH_PATH: Final = "/api/v3/depth"
QUANTITY: Final = "1000000"
PRICE: Final = Decimal("1.0000")
SYMBOLS: Final = 2_500
CHANGED: Final = 50
"""Coins in one frame: the exchange pushes those whose price has changed."""
_SEED: Final = 7


class Market:
    """Permanent coins. A newcomer is only in a frame until it is listed, so that no other source shows it first."""

    def __init__(self, symbols: int = SYMBOLS) -> None:
        now_ms = _now_ms()
        self._coins = symbol_generator.initial(symbols, _SEED, now_ms)
        self._items = cycle([_item(coin, now_ms) for coin in self._coins])
        self._listed = [coin.symbol for coin in self._coins]
        self._newcomers: list[str] = []

    def list_newcomers(self) -> None:
        """Add the newcomers of earlier frames to the list of names."""
        self._listed.extend(self._newcomers)
        self._newcomers.clear()

    def bodies(self) -> Mapping[str, bytes]:
        """Return the answers to GET, by path."""
        now_ms = _now_ms()
        info = ExchangeInfo(Catalogue(self._coins), TradingRules()).body(now_ms, now_ms)
        return {
            "/api/v3/ping": b"{}",
            NAMES_PATH: self.names(),
            "/api/v3/exchangeInfo": info,
            "/api/v3/announcements": b'{"code":0,"data":[{"details":[],"totalPage":"0"}],"msg":""}',
            "/api/operation/new_coin_calendar": b'{"data":{"newCoins":[]}}',
            # Requested by the monitor of positions; no bids.
            "/api/v3/ticker/bookTicker": b"[]",
            "/api/v3/trades": msgspec.json.encode([{"price": f"{PRICE:f}", "qty": "1", "time": now_ms}]),
            DEPTH_PATH: self.book(PRICE),
        }

    def book(self, price: Decimal) -> bytes:
        """Return a book with everything at *price*."""
        level = [f"{price:f}", QUANTITY]
        return msgspec.json.encode({"lastUpdateId": 1, "bids": [level], "asks": [level]})

    def quote(self, symbol: str, price: Decimal, version: int) -> tuple[str, bytes]:
        """Return a push of the best prices of *symbol*, all at *price*, behind its channel."""
        level = Level(price, Decimal(QUANTITY))
        return book_channel(symbol), book_ticker_frame(book_channel(symbol), symbol, (level, level), version)

    def info(self, symbol: str) -> bytes:
        """Return exchangeInfo of one trading coin."""
        now_ms = _now_ms()
        return ExchangeInfo(Catalogue([_newcomer(symbol, now_ms)]), TradingRules()).body(now_ms, now_ms)

    def names(self) -> bytes:
        """Return the list of names."""
        return msgspec.json.encode({"code": 0, "data": self._listed, "msg": "success"})

    def frame(self, newcomer: str | None = None, changed: int = CHANGED) -> bytes:
        """Return a push of *changed* coins, with *newcomer* in the middle."""
        now_ms = _now_ms()
        items = list(islice(self._items, changed if newcomer is None else changed - 1))
        if newcomer is not None:
            self._newcomers.append(newcomer)
            items.insert(len(items) // 2, _item(_newcomer(newcomer, now_ms), now_ms))
        return tickers_frame(CHANNEL, items, now_ms)


def _newcomer(symbol: str, now_ms: int) -> Instrument:
    """Return a coin priced at the book's offer, so that every order for it is filled."""
    return replace(symbol_generator.newcomer(symbol, now_ms, now_ms, PRICE), swing=0.0)


def _item(coin: Instrument, now_ms: int) -> bytes:
    return repeated_item(ticker_item(coin, now_ms))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
