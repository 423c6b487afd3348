"""Numbers and times as MEXC sends them: its documentation and its answers differ, and some make no sense."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAGNITUDE_MAX: Final = 30
"""Far beyond any amount or time; written out, a number like 1E+999999999 would take minutes and all memory."""
_MILLISECONDS_MAX: Final = 253_402_300_800_000  # the year 10000, where datetime ends

Number = str | int | float | None
"""What is sent where a number is meant."""


def decimal_of(value: Number) -> Decimal | None:
    """The number, None when it is none or of absurd size."""
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
    """The time that many milliseconds after 1970, None when that makes no sense."""
    elapsed = integer_of(milliseconds)
    if not elapsed or not 0 < elapsed < _MILLISECONDS_MAX:
        return None
    return _EPOCH + timedelta(milliseconds=elapsed)
