"""Present time, and times of listings in the future: refused from people, clamped from sources."""

from datetime import UTC, datetime, timedelta
from typing import Final

from shared.errors import PermanentError
from shared.events.kinds import Source

CLOCK_TOLERANCE: Final = timedelta(seconds=2)
"""Tolerated lead of another machine's clock before its times count as the future."""


def refuse_future(listed_at: datetime, *, now: datetime) -> None:
    """Raise PermanentError where *listed_at* is after *now*, beyond the tolerance."""
    if listed_at > now + CLOCK_TOLERANCE:
        raise PermanentError("listed_at cannot be in the future")


def never_after(now: datetime, listed_at: datetime, source: Source) -> datetime:
    """Return *listed_at*, clamped to *now*: a sighting of our own ingest has happened, whatever the clocks.

    An injected time in the future is refused with PermanentError.
    """
    if source is Source.TEST_INJECTION:
        refuse_future(listed_at, now=now)
    return min(listed_at, now)


def utc_now() -> datetime:
    """Return the wall-clock time, aware."""
    return datetime.now(UTC)
