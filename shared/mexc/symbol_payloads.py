"""Symbols in the bodies of exchangeInfo and defaultSymbols, forgiving in form and never inventing data."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Final

import msgspec

from shared.mexc.filters import NO_FILTERS, Filters, filters_of, positive
from shared.mexc.lenient_numbers import Number, decimal_of, integer_of, moment_of
from shared.mexc.payloads import UNREADABLE
from shared.mexc.symbols import SymbolInfo, normalise

_NOT_SENT: Final = msgspec.Raw(b"null")
_NO_FILTERS: Final = msgspec.Raw(b"[]")
_EMPTY: Final = frozenset({b"[]", b"null"})
_OPENING_YEAR_MIN: Final = 2010
_FEE_MAX: Final = Decimal("0.1")


class DefaultSymbols(msgspec.Struct):
    """Answer of /defaultSymbols."""

    data: frozenset[str]


class DefaultSymbolsOfAnyKind(msgspec.Struct):
    """The same, its names undecoded, so that one odd entry cannot cost the others."""

    data: list[msgspec.Raw]


class ExchangeInfo(msgspec.Struct):
    """Answer of /exchangeInfo, its symbols undecoded, so that one odd entry cannot cost the others."""

    symbols: list[msgspec.Raw]


class _Symbol(msgspec.Struct, rename="camel"):
    symbol: str
    base_asset: str = ""
    quote_asset: str = ""
    status: str | int | None = None
    is_spot_trading_allowed: bool | None = None
    trade_side_type: Number = None
    first_open_time: Number = None
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


class _Name(msgspec.Struct):
    symbol: str


_text_decoder: Final = msgspec.json.Decoder(str)
_filters_decoder: Final = msgspec.json.Decoder(list[msgspec.Raw])
_symbol_decoder: Final = msgspec.json.Decoder(_Symbol)
_name_decoder: Final = msgspec.json.Decoder(_Name)


def symbol_info(entry: msgspec.Raw) -> SymbolInfo | None:
    """Decode one entry of exchangeInfo; None where it does not even name its symbol.

    An entry with a field of an unexpected type keeps its name and loses the rest: dropped, it would look
    delisted, and its return would look like a listing.
    """
    try:
        return _info_of(_symbol_decoder.decode(entry))
    except UNREADABLE:
        pass
    try:
        return _info_of(_Symbol(_name_decoder.decode(entry).symbol))
    except UNREADABLE:
        return None


def names_among(entries: Iterable[msgspec.Raw]) -> list[str]:
    """Return those of *entries* that are names."""
    names = []
    for entry in entries:
        with suppress(*UNREADABLE):
            names.append(_text_decoder.decode(entry))
    return names


def _info_of(wire: _Symbol) -> SymbolInfo:
    price_precision = wire.quote_precision if wire.quote_asset_precision is None else wire.quote_asset_precision
    filters, order_types = _filters(wire.filters), bytes(wire.order_types)
    opening = moment_of(wire.first_open_time)
    if opening is not None and opening.year < _OPENING_YEAR_MIN:
        opening = None  # From before there were exchanges: a placeholder.
    return SymbolInfo(
        symbol=normalise(wire.symbol),
        base_asset=wire.base_asset,
        quote_asset=wire.quote_asset,
        status="" if wire.status is None else str(wire.status),
        api_allowed=bool(wire.is_spot_trading_allowed),
        trade_side_type=integer_of(wire.trade_side_type),
        first_open_time=opening,
        base_precision=integer_of(wire.base_asset_precision),
        quote_precision=integer_of(price_precision),
        base_quantity_min=_stricter(max, decimal_of(wire.base_size_precision), filters.quantity_min),
        quote_amount_min=_stricter(max, decimal_of(wire.quote_amount_precision), filters.notional_min),
        quote_amount_min_market=decimal_of(wire.quote_amount_precision_market),
        quote_amount_max=_stricter(min, positive(wire.max_quote_amount), filters.notional_max),
        quote_amount_max_market=positive(wire.max_quote_amount_market),
        base_quantity_max=filters.quantity_max,
        base_quantity_step=filters.quantity_step,
        price_min=filters.price_min,
        price_max=filters.price_max,
        price_step=filters.price_step,
        price_up=filters.price_up,
        price_down=filters.price_down,
        # Other kinds are accepted regardless.
        market_orders=None if order_types in _EMPTY else b'"MARKET"' in order_types,
        taker_fee=_fee_of(wire.taker_commission),
        filters_unread=filters.unread,
    )


def _fee_of(commission: Number) -> Decimal | None:
    """Return the fee; None for an impossible one."""
    fee = decimal_of(commission)
    return fee if fee is not None and 0 <= fee <= _FEE_MAX else None


def _filters(sent: msgspec.Raw) -> Filters:
    """Return the filters; filters that are no list must not cost the rest of the entry."""
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
