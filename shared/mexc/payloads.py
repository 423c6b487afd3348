"""Market data in the exchange's JSON bodies, decoded to the needed fields, never inventing data."""

from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from shared.mexc.lenient_numbers import Number, decimal_of, moment_of

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""Errors of the JSON decoder, also for valid JSON that is nested too deeply."""


class Level(NamedTuple):
    """Price level of an order book."""

    price: Decimal
    quantity: Decimal


class OrderBook(msgspec.Struct, frozen=True, rename="camel"):
    """Snapshot of the book, best prices first. Both sides are empty before the first quotes."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    last_update_id: int | None = None


class _RawBook(msgspec.Struct, rename="camel"):
    bids: list[msgspec.Raw]
    asks: list[msgspec.Raw]
    last_update_id: int | None = None


class BookTicker(msgspec.Struct, frozen=True, rename="camel"):
    """Best bid and ask; a side without quotes is None."""

    symbol: str
    bid_price: Decimal | None = None
    bid_qty: Decimal | None = None
    ask_price: Decimal | None = None
    ask_qty: Decimal | None = None


class PublicTrade(NamedTuple):
    """Public trade."""

    price: Decimal
    quantity: Decimal | None
    traded_at: datetime


class ServerTime(msgspec.Struct, rename="camel"):
    """Answer of /time."""

    server_time: int

    @property
    def is_possible(self) -> bool:
        """Return whether the exchange can say so: a time far from now could not even be computed with."""
        moment = moment_of(self.server_time)
        return moment is not None and moment.year in _YEARS


class Refusal(msgspec.Struct):
    """A business error; also the shape of a wrapper whose code says success."""

    code: int
    msg: str | None = None


class _Trade(msgspec.Struct):
    price: Number = None
    qty: Number = None
    time: Number = None


_YEARS: Final = range(2017, 2100)
_NOT_A_NUMBER: Final = Decimal("NaN")
_book_decoder: Final = msgspec.json.Decoder(OrderBook)
_raw_book_decoder: Final = msgspec.json.Decoder(_RawBook)
_level_decoder: Final = msgspec.json.Decoder(Level)
_trade_decoder: Final = msgspec.json.Decoder(_Trade)


def order_book(body: bytes) -> OrderBook:
    """Decode a book; an unreadable level becomes NaN, so that it costs no other level.

    Raises one of UNREADABLE where the answer is no book.
    """
    try:
        return _book_decoder.decode(body)
    except UNREADABLE:
        raw = _raw_book_decoder.decode(body)
        return OrderBook(tuple(map(_level, raw.bids)), tuple(map(_level, raw.asks)), raw.last_update_id)


def _level(entry: msgspec.Raw) -> Level:
    try:
        return _level_decoder.decode(entry)
    except UNREADABLE:
        return Level(_NOT_A_NUMBER, _NOT_A_NUMBER)


def public_trade(entry: msgspec.Raw) -> PublicTrade | None:
    """Decode one entry of the recent trades; None without a price or a time."""
    try:
        trade = _trade_decoder.decode(entry)
    except UNREADABLE:
        return None
    price, traded_at = decimal_of(trade.price), moment_of(trade.time)
    if price is None or price <= 0 or traded_at is None:
        return None
    return PublicTrade(price, decimal_of(trade.qty), traded_at)
