"""Numbers in the exchange's sentences: the most or the least it takes, however it spells them. Pure."""

import re
import unicodedata
from decimal import Decimal
from typing import Final

_NUMBER: Final = r"((?:[0-9]{1,3}(?:,[0-9]{3}){1,6}|[0-9]{1,20})(?:\.[0-9]{1,30})?)"
"""Thousands may be grouped by commas; a comma before decimals would be another number, so it is not read."""
_MONEY: Final = r"\s*(?:USD|EUR|BRL)"
"""Of a quote asset, whatever follows: USDT, USDC, USD1 and so on. Of a coin the same number means something else."""
_COLON: Final = r"\s*:?\s*"
_AT_MOST: Final = re.compile(
    rf"(?:exceed|exceeds|(?:higher|greater|more|larger) than|above|at most|高于|超过|大于){_COLON}{_NUMBER}{_MONEY}",
    re.IGNORECASE,
)
_AT_LEAST: Final = re.compile(
    rf"(?:(?:less|lower|smaller) than|below|at least|低于|小于|少于){_COLON}{_NUMBER}{_MONEY}", re.IGNORECASE
)


def at_most(message: str) -> Decimal | None:
    """Return N of "Order price cannot exceed {N}USDT" in any spelling; None where no number can be relied on."""
    return _positive(_AT_MOST, message)


def at_least(message: str) -> Decimal | None:
    """Return N of "The minimum transaction volume cannot be less than:{N}USDT" in the same way."""
    return _positive(_AT_LEAST, message)


def _positive(pattern: re.Pattern[str], message: str) -> Decimal | None:
    # Full-width colons, commas, digits and blanks become the usual ones.
    found = pattern.search(unicodedata.normalize("NFKC", message))
    number = Decimal(found.group(1).replace(",", "")) if found else Decimal(0)
    return number if number > 0 else None
