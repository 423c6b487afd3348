"""Filters of exchangeInfo: MEXC's one, and those of similar exchanges whose meaning is unmistakable."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import msgspec

from shared.mexc.lenient_numbers import Number, decimal_of

_Bounds = dict[str, Decimal | None]

_IGNORED: Final = frozenset(
    {
        "ICEBERG_PARTS",
        "MARKET_LOT_SIZE",
        "MAX_NUM_ALGO_ORDERS",
        "MAX_NUM_ICEBERG_ORDERS",
        "MAX_NUM_ORDERS",
        "MAX_POSITION",
        "TRAILING_DELTA",
    }
)
"""They bound kinds of orders that are not sent here, or the whole account."""


class _Filter(msgspec.Struct, rename="camel"):
    filter_type: str
    bid_multiplier_up: Number = None
    ask_multiplier_down: Number = None
    multiplier_up: Number = None
    multiplier_down: Number = None
    min_price: Number = None
    max_price: Number = None
    tick_size: Number = None
    min_qty: Number = None
    max_qty: Number = None
    step_size: Number = None
    min_notional: Number = None
    max_notional: Number = None


class Filters(msgspec.Struct, frozen=True, gc=False):
    """Bounds by the filters of one symbol; None where no filter sets one."""

    price_up: Decimal | None = None
    """Highest price of a purchase, as a factor of the last price."""
    price_down: Decimal | None = None
    """Lowest price of a sale, as a factor of the last price."""
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    price_step: Decimal | None = None
    quantity_min: Decimal | None = None
    quantity_max: Decimal | None = None
    quantity_step: Decimal | None = None
    notional_min: Decimal | None = None
    notional_max: Decimal | None = None
    unread: str = ""
    """Names of unknown filters."""


NO_FILTERS: Final = Filters()
_decoder: Final = msgspec.json.Decoder(_Filter)


def filters_of(entries: Iterable[msgspec.Raw]) -> Filters:
    """Return the bounds of *entries*, without unreadable and unknown ones."""
    bounds: _Bounds = {}
    unread: set[str] = set()
    for entry in entries:
        try:
            wire = _decoder.decode(entry)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        read = _READERS.get(wire.filter_type)
        if read is not None:
            bounds |= {name: bound for name, bound in read(wire).items() if bound is not None}
        elif wire.filter_type not in _IGNORED:
            unread.add(wire.filter_type)
    return Filters(**bounds, unread=" ".join(sorted(unread)))


def _band(up: Number, down: Number) -> _Bounds:
    """Values below one are shares above and below the price; others are factors of it."""
    above, below = positive(up), positive(down)
    if above is not None and above >= 1:
        return {"price_up": above, "price_down": below if below is not None and below <= 1 else None}
    return {
        "price_up": None if above is None else 1 + above,
        "price_down": 1 - below if below is not None and below < 1 else None,
    }


def _prices(wire: _Filter) -> _Bounds:
    return {
        "price_min": positive(wire.min_price),
        "price_max": positive(wire.max_price),
        "price_step": positive(wire.tick_size),
    }


def _quantities(wire: _Filter) -> _Bounds:
    return {
        "quantity_min": positive(wire.min_qty),
        "quantity_max": positive(wire.max_qty),
        "quantity_step": positive(wire.step_size),
    }


def _notionals(wire: _Filter) -> _Bounds:
    return {"notional_min": positive(wire.min_notional), "notional_max": positive(wire.max_notional)}


_READERS: Final[Mapping[str, Callable[[_Filter], _Bounds]]] = MappingProxyType(
    {
        "PERCENT_PRICE_BY_SIDE": lambda wire: _band(wire.bid_multiplier_up, wire.ask_multiplier_down),
        "PERCENT_PRICE": lambda wire: _band(wire.multiplier_up, wire.multiplier_down),
        "PRICE_FILTER": _prices,
        "LOT_SIZE": _quantities,
        "MIN_NOTIONAL": _notionals,
        "NOTIONAL": _notionals,
    }
)


def positive(value: Number) -> Decimal | None:
    """Return the number; None for zero, which names no bound."""
    number = decimal_of(value)
    return number if number is not None and number > 0 else None
