"""The exchange's JSON bodies, decoded to just the fields we need, forgiving in form and never inventing data."""

from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from shared.mexc.numbers import Number, decimal_of, integer_of, moment_of
from shared.mexc.symbols import SymbolInfo, normalise

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading JSON raises: also what is well-formed can be nested too deeply to be read."""


class Level(NamedTuple):
    """One price level of an order book."""

    price: Decimal
    quantity: Decimal


class OrderBook(msgspec.Struct, frozen=True, rename="camel"):
    """A snapshot of the book, best prices first. Both sides are empty before anyone has quoted."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    last_update_id: int | None = None


class BookTicker(msgspec.Struct, frozen=True, rename="camel"):
    """The best bid and ask; a side nobody quotes is None."""

    symbol: str
    bid_price: Decimal | None = None
    bid_qty: Decimal | None = None
    ask_price: Decimal | None = None
    ask_qty: Decimal | None = None


class PublicTrade(NamedTuple):
    """A trade of anybody's."""

    price: Decimal
    quantity: Decimal | None
    traded_at: datetime


class ServerTime(msgspec.Struct, rename="camel"):
    """Answer of /time."""

    server_time: int


class DefaultSymbols(msgspec.Struct):
    """Answer of /defaultSymbols."""

    data: frozenset[str]


class Refusal(msgspec.Struct):
    """A business error; also the shape of a wrapper whose code says success."""

    code: int
    msg: str | None = None


class ExchangeInfo(msgspec.Struct):
    """Answer of /exchangeInfo, its symbols still undecoded so that one odd entry cannot cost the others."""

    symbols: list[msgspec.Raw]


class _Symbol(msgspec.Struct, rename="camel"):
    symbol: str
    base_asset: str = ""
    quote_asset: str = ""
    status: str | int | None = None
    is_spot_trading_allowed: bool | None = None
    trade_side_type: Number = None
    first_open_time: Number = None
    st: bool | None = None
    base_asset_precision: Number = None
    quote_precision: Number = None
    quote_asset_precision: Number = None
    base_size_precision: Number = None
    quote_amount_precision: Number = None
    quote_amount_precision_market: Number = None
    max_quote_amount: Number = None
    max_quote_amount_market: Number = None


class NewCoin(NamedTuple):
    """A coin of the calendar, by its ticker: the calendar does not name the pairs it will trade in."""

    asset: str
    opens_at: datetime


class _Coins(msgspec.Struct, rename="camel"):
    new_coins: list[msgspec.Raw]


class Calendar(msgspec.Struct):
    """Answer of the new-coin calendar, its coins still undecoded for the same reason."""

    data: _Coins


class _Coin(msgspec.Struct, rename="camel"):
    vcoin_name: str
    first_open_time: Number = None


class _Trade(msgspec.Struct):
    price: Number = None
    qty: Number = None
    time: Number = None


class Notice(NamedTuple):
    """An announcement of the exchange."""

    title: str
    posted_at: datetime


class _NoticePage(msgspec.Struct):
    details: list[msgspec.Raw]


class Notices(msgspec.Struct):
    """Answer of /announcements, its entries still undecoded for the same reason."""

    data: list[_NoticePage]


class _Notice(msgspec.Struct, rename="camel"):
    title: str
    post_time: Number = None


class _Name(msgspec.Struct):
    symbol: str


_symbol_decoder: Final = msgspec.json.Decoder(_Symbol)
_name_decoder: Final = msgspec.json.Decoder(_Name)
_trade_decoder: Final = msgspec.json.Decoder(_Trade)
_coin_decoder: Final = msgspec.json.Decoder(_Coin)
_notice_decoder: Final = msgspec.json.Decoder(_Notice)


def symbol_info(entry: msgspec.Raw) -> SymbolInfo | None:
    """Read one entry of exchangeInfo; None when it does not even name its symbol.

    An entry with a field of an unforeseen type keeps its name and loses the rest: dropped, it would look
    delisted, and its return would look like a listing.
    """
    try:
        return _known(_symbol_decoder.decode(entry))
    except UNREADABLE:
        pass
    try:
        return _known(_Symbol(_name_decoder.decode(entry).symbol))
    except UNREADABLE:
        return None


def new_coin(entry: msgspec.Raw) -> NewCoin | None:
    """Read one entry of the calendar; None when it lacks a ticker or an opening time."""
    try:
        coin = _coin_decoder.decode(entry)
    except UNREADABLE:
        return None
    asset, opens_at = normalise(coin.vcoin_name), moment_of(coin.first_open_time)
    return NewCoin(asset, opens_at) if asset and opens_at else None


def public_trade(entry: msgspec.Raw) -> PublicTrade | None:
    """Read one entry of the recent trades; None when it lacks a price or a time."""
    try:
        trade = _trade_decoder.decode(entry)
    except UNREADABLE:
        return None
    price, traded_at = decimal_of(trade.price), moment_of(trade.time)
    if price is None or price <= 0 or traded_at is None:
        return None
    return PublicTrade(price, decimal_of(trade.qty), traded_at)


def notice(entry: msgspec.Raw) -> Notice | None:
    """Read one announcement; None when it lacks a title or a time."""
    try:
        wire = _notice_decoder.decode(entry)
    except UNREADABLE:
        return None
    posted_at = moment_of(wire.post_time)
    return Notice(wire.title, posted_at) if wire.title and posted_at else None


def _known(wire: _Symbol) -> SymbolInfo:
    price_precision = wire.quote_precision if wire.quote_asset_precision is None else wire.quote_asset_precision
    return SymbolInfo(
        symbol=normalise(wire.symbol),
        base_asset=wire.base_asset,
        quote_asset=wire.quote_asset,
        status="" if wire.status is None else str(wire.status),
        api_allowed=bool(wire.is_spot_trading_allowed),
        trade_side_type=integer_of(wire.trade_side_type),
        first_open_time=moment_of(wire.first_open_time),
        special_treatment=bool(wire.st),
        base_precision=integer_of(wire.base_asset_precision),
        quote_precision=integer_of(price_precision),
        base_quantity_min=decimal_of(wire.base_size_precision),
        quote_amount_min=decimal_of(wire.quote_amount_precision),
        quote_amount_min_market=decimal_of(wire.quote_amount_precision_market),
        quote_amount_max=decimal_of(wire.max_quote_amount),
        quote_amount_max_market=decimal_of(wire.max_quote_amount_market),
    )
