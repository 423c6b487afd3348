"""Decimal numbers in MEXC's notation: plain digits, truncated and never rounded up."""

from decimal import ROUND_DOWN, Decimal


def plain(number: Decimal) -> str:
    """`1E-8` as `0.00000001`, without trailing zeros."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def cut(number: Decimal, decimals: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN)


def excess(number: Decimal, decimals: int) -> bool:
    """Return whether *number* has more than *decimals* decimal places."""
    return number != cut(number, decimals)
