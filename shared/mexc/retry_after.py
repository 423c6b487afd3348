"""Back-off by Retry-After, with the defaults where it is missing or unusable."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LIMITED: Final = 429
"""Status, and code of an answer, where requests were too many."""
BANNED: Final = 418
"""The same where the exchange keeps us out for it."""
LIMITED_SECONDS: Final = 1.0
"""After a 429 without Retry-After."""
BANNED_SECONDS: Final = 120.0
"""After a 418 without Retry-After: bans last two minutes to three days."""
WAIT_SECONDS_MAX: Final = 3 * 24 * 3600.0
"""The longest ban."""
_SECONDS: Final = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")


def retry_after_seconds(header: str | None, *, date: str | None = None, now: datetime | None = None) -> float | None:
    """Return the wait in *header*, capped; None where it is unusable.

    A wait until a date is counted from *date*, the answer's own Date header, or else from *now*.
    """
    text = "" if header is None else header.strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), WAIT_SECONDS_MAX)
    until = _moment(text)
    since = _moment("" if date is None else date.strip()) or now
    if until is None or since is None:
        return None
    return min(max(0.0, (until - since).total_seconds()), WAIT_SECONDS_MAX)


def quiet_seconds(named: float | None, *, banned: bool) -> float:
    """Return the back-off: *named*, else the default."""
    if named is not None:
        return named
    return BANNED_SECONDS if banned else LIMITED_SECONDS


def _moment(text: str) -> datetime | None:
    if not text.isascii():
        return None
    try:
        moment = parsedate_to_datetime(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
