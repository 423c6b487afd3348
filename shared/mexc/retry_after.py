"""Back-off by Retry-After: its only reader, and the only defaults where nothing usable came."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

LIMITED: Final = 429
"""Status, and code of an answer, where requests were too many."""
BANNED: Final = 418
"""The same where the exchange keeps us out for it."""
LIMITED_SECONDS: Final = 1.0
"""After a 429 that names no wait."""
BANNED_SECONDS: Final = 120.0
"""After a 418 that names none: bans last two minutes to three days."""
WAIT_SECONDS_MAX: Final = 3 * 24 * 3600.0
"""The longest ban there is."""
_SECONDS: Final = re.compile(r"[0-9]+(?:\.[0-9]*)?|\.[0-9]+")


def retry_after_seconds(header: str | None, *, date: str | None = None, now: datetime | None = None) -> float | None:
    """Return the wait that *header* names, capped; None where it names none that can be understood.

    A wait that is a moment is counted from *date*, the answer's own Date header, and where there is none from *now*.
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
    """Return how long to keep quiet: for as long as was *named*, else for the default."""
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
