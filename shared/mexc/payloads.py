"""The exchange's JSON bodies, decoded to just the fields we need, forgiving in form and never inventing data."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple

import msgspec

from shared.mexc.filters import NO_FILTERS, Filters, filters_of
from shared.mexc.lenient_numbers import Number, decimal_of, integer_of, moment_of
from shared.mexc.symbols import SymbolInfo, normalise

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading JSON raises: also what is well-formed can be nested too deeply to be read."""


_NOT_SENT: Final = msgspec.Raw(b"null")
_NO_FILTERS: Final = msgspec.Raw(b"[]")
_EMPTY: Final = frozenset({b"[]", b"null"})


class Level(NamedTuple):
    """One price level of an order book."""

    price: Decimal
    quantity: Decimal


class OrderBook(msgspec.Struct, frozen=True, rename="camel"):
    """A snapshot of the book, best prices first. Both sides are empty before anyone has quoted."""

    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    last_update_id: int | None = None


class _RawBook(msgspec.Struct, rename="camel"):
    bids: list[msgspec.Raw]
    asks: list[msgspec.Raw]
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


class DefaultSymbolsOfAnyKind(msgspec.Struct):
    """The same, its names still undecoded so that one odd entry cannot cost the others."""

    data: list[msgspec.Raw]


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
    taker_commission: Number = None
    filters: msgspec.Raw = _NO_FILTERS
    order_types: msgspec.Raw = _NOT_SENT


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


_OPENING_YEAR_MIN: Final = 2010
_FEE_MAX: Final = Decimal("0.1")

_text_decoder: Final = msgspec.json.Decoder(str)
_NOT_A_NUMBER: Final = Decimal("NaN")
_book_decoder: Final = msgspec.json.Decoder(OrderBook)
_raw_book_decoder: Final = msgspec.json.Decoder(_RawBook)
_level_decoder: Final = msgspec.json.Decoder(Level)
_filters_decoder: Final = msgspec.json.Decoder(list[msgspec.Raw])
_symbol_decoder: Final = msgspec.json.Decoder(_Symbol)
_name_decoder: Final = msgspec.json.Decoder(_Name)
_trade_decoder: Final = msgspec.json.Decoder(_Trade)
_coin_decoder: Final = msgspec.json.Decoder(_Coin)
_notice_decoder: Final = msgspec.json.Decoder(_Notice)


def order_book(body: bytes) -> OrderBook:
    """Read a book; a level that is no two numbers becomes one that is not a number, so that it costs no other level.

    Raises one of UNREADABLE where the answer is no book at all.
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


def names_among(entries: Iterable[msgspec.Raw]) -> list[str]:
    """Return those of *entries* that are names."""
    names = []
    for entry in entries:
        with suppress(*UNREADABLE):
            names.append(_text_decoder.decode(entry))
    return names


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


def _opening_of(milliseconds: Number) -> datetime | None:
    """An opening from before there were exchanges fills a field that has to hold something."""
    opening = moment_of(milliseconds)
    return opening if opening is not None and opening.year >= _OPENING_YEAR_MIN else None


def _known(wire: _Symbol) -> SymbolInfo:
    price_precision = wire.quote_precision if wire.quote_asset_precision is None else wire.quote_asset_precision
    filters = _filters(wire.filters)
    return SymbolInfo(
        symbol=normalise(wire.symbol),
        base_asset=wire.base_asset,
        quote_asset=wire.quote_asset,
        status="" if wire.status is None else str(wire.status),
        api_allowed=bool(wire.is_spot_trading_allowed),
        trade_side_type=integer_of(wire.trade_side_type),
        first_open_time=_opening_of(wire.first_open_time),
        special_treatment=bool(wire.st),
        base_precision=integer_of(wire.base_asset_precision),
        quote_precision=integer_of(price_precision),
        base_quantity_min=_stricter(max, decimal_of(wire.base_size_precision), filters.quantity_min),
        quote_amount_min=_stricter(max, decimal_of(wire.quote_amount_precision), filters.notional_min),
        quote_amount_min_market=decimal_of(wire.quote_amount_precision_market),
        quote_amount_max=_stricter(min, decimal_of(wire.max_quote_amount), filters.notional_max),
        quote_amount_max_market=decimal_of(wire.max_quote_amount_market),
        base_quantity_max=filters.quantity_max,
        base_quantity_step=filters.quantity_step,
        price_min=filters.price_min,
        price_max=filters.price_max,
        price_step=filters.price_step,
        price_up=filters.price_up,
        price_down=filters.price_down,
        market_orders=_holds_market(wire.order_types),
        taker_fee=_fee_of(wire.taker_commission),
        filters_unread=filters.unread,
    )


def _fee_of(commission: Number) -> Decimal | None:
    """Of a figure that can be no fee nothing is believed."""
    fee = decimal_of(commission)
    return fee if fee is not None and 0 <= fee <= _FEE_MAX else None


def _holds_market(order_types: msgspec.Raw) -> bool | None:
    """Other kinds are taken whether they are listed or not."""
    return b'"MARKET"' in bytes(order_types) if bytes(order_types) not in _EMPTY else None


def _filters(sent: msgspec.Raw) -> Filters:
    """Filters that are no list must not cost the rest of the entry."""
    if bytes(sent) in _EMPTY:
        return NO_FILTERS
    try:
        return filters_of(_filters_decoder.decode(sent))
    except UNREADABLE:
        return NO_FILTERS


def _stricter(
    choose: Callable[[Decimal, Decimal], Decimal], one: Decimal | None, other: Decimal | None
) -> Decimal | None:
    return choose(one, other) if one is not None and other is not None else one if other is None else other
