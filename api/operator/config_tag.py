"""ETag of the configuration (RFC 9110, section 8.8.3): the time of its last change. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Final

from api.schemas import TradeConfig

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DIGITS_MAX: Final = 17


def etag_of(config: TradeConfig) -> str:
    """Return the tag, quoted for the header."""
    return f'"{(config.updated_at - EPOCH) // _MICROSECOND}"'


def updated_at_of(tag: str) -> datetime | None:
    """Return the time encoded in *tag*, weak or not, as proxies that compress weaken tags; None if it is not ours."""
    digits = tag.strip().removeprefix("W/").removeprefix('"').removesuffix('"')
    if not digits.isascii() or not digits.isdecimal() or len(digits) > _DIGITS_MAX:
        return None
    return EPOCH + int(digits) * _MICROSECOND
