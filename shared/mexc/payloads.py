"""The exchange's JSON bodies, decoded to just the fields we need, forgiving in form and never inventing data."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

import msgspec

from shared.mexc.symbols import SymbolInfo, normalise

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAGNITUDE_MAX: Final = 30
"""Far beyond any amount or time; written out, a number like 1E+999999999 would take minutes and all memory."""
_MILLISECONDS_MAX: Final = 253_402_300_800_000  # the year 10000, where datetime ends

Number = str | int | float | None
"""What MEXC sends where a number is meant; its documentation and its answers differ."""


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
_coin_decoder: Final = msgspec.json.Decoder(_Coin)
_notice_decoder: Final = msgspec.json.Decoder(_Notice)


def symbol_info(entry: msgspec.Raw) -> SymbolInfo | None:
    """Read one entry of exchangeInfo; None when it does not even name its symbol.

    An entry with a field of an unforeseen type keeps its name and loses the rest: dropped, it would look
    delisted, and its return would look like a listing.
    """
    try:
        return _known(_symbol_decoder.decode(entry))
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    try:
        return _known(_Symbol(_name_decoder.decode(entry).symbol))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def new_coin(entry: msgspec.Raw) -> NewCoin | None:
    """Read one entry of the calendar; None when it lacks a ticker or an opening time."""
    try:
        coin = _coin_decoder.decode(entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    asset, opens_at = normalise(coin.vcoin_name), _moment(coin.first_open_time)
    return NewCoin(asset, opens_at) if asset and opens_at else None


def notice(entry: msgspec.Raw) -> Notice | None:
    """Read one announcement; None when it lacks a title or a time."""
    try:
        wire = _notice_decoder.decode(entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    posted_at = _moment(wire.post_time)
    return Notice(wire.title, posted_at) if wire.title and posted_at else None


def _known(wire: _Symbol) -> SymbolInfo:
    price_precision = wire.quote_precision if wire.quote_asset_precision is None else wire.quote_asset_precision
    return SymbolInfo(
        symbol=wire.symbol,
        base_asset=wire.base_asset,
        quote_asset=wire.quote_asset,
        status="" if wire.status is None else str(wire.status),
        api_allowed=bool(wire.is_spot_trading_allowed),
        trade_side_type=_integer(wire.trade_side_type),
        first_open_time=_moment(wire.first_open_time),
        special_treatment=bool(wire.st),
        base_precision=_integer(wire.base_asset_precision),
        quote_precision=_integer(price_precision),
        base_quantity_min=_decimal(wire.base_size_precision),
        quote_amount_min=_decimal(wire.quote_amount_precision),
        quote_amount_min_market=_decimal(wire.quote_amount_precision_market),
        quote_amount_max=_decimal(wire.max_quote_amount),
        quote_amount_max_market=_decimal(wire.max_quote_amount_market),
    )


def _decimal(value: Number) -> Decimal | None:
    if value is None:
        return None
    try:
        number = Decimal(str(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= _MAGNITUDE_MAX else None


def _integer(value: Number) -> int | None:
    if isinstance(value, int):
        return value
    number = _decimal(value)
    return None if number is None else int(number)


def _moment(milliseconds: Number) -> datetime | None:
    elapsed = _integer(milliseconds)
    if not elapsed or not 0 < elapsed < _MILLISECONDS_MAX:
        return None
    return _EPOCH + timedelta(milliseconds=elapsed)
