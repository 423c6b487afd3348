"""Lenient numbers, prices and times: MEXC's documentation and answers differ, and some are senseless."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

from pydantic import TypeAdapter, ValidationError

from shared.events import Price

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAGNITUDE_MAX: Final = 30
"""Far beyond any amount or time; written out, a number like 1E+999999999 would take minutes and all memory."""
_MILLISECONDS_MAX: Final = 253_402_300_800_000  # the year 10000, where datetime ends

Number = str | int | float | None
"""Types sent in place of numbers."""
_PRICE: Final = TypeAdapter[Decimal](Price)


def decimal_of(value: Number) -> Decimal | None:
    """Return the number; None for no number or one of absurd size."""
    if value is None:
        return None
    try:
        number = Decimal(str(value) if isinstance(value, float) else value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= _MAGNITUDE_MAX else None


def integer_of(value: Number) -> int | None:
    if isinstance(value, int):
        return value
    number = decimal_of(value)
    return None if number is None else int(number)


def moment_of(milliseconds: Number) -> datetime | None:
    """Return the time of milliseconds since 1970; None for a senseless one."""
    elapsed = integer_of(milliseconds)
    if not elapsed or not 0 < elapsed < _MILLISECONDS_MAX:
        return None
    return _EPOCH + timedelta(milliseconds=elapsed)


def parse_price(text: str) -> Decimal | None:
    """Return *text* as a number; None unless it is positive and fits an event."""
    try:
        return _PRICE.validate_python(text)
    except ValidationError:
        return None
