"""Present time, and times of listings that lie ahead of it: refused from people, clamped from sources."""

from datetime import UTC, datetime, timedelta
from typing import Final

from shared.errors import PermanentError
from shared.events.kinds import Source

CLOCK_TOLERANCE: Final = timedelta(seconds=2)
"""How far another machine's clock may run ahead of ours before its times count as the future."""


def refuse_future(listed_at: datetime, *, now: datetime) -> None:
    """Raise PermanentError where a listing claims to have happened after *now*."""
    if listed_at > now + CLOCK_TOLERANCE:
        raise PermanentError("listed_at cannot be in the future")


def never_after(now: datetime, listed_at: datetime, source: Source) -> datetime:
    """Return *listed_at*, or *now* where that is earlier: what our own ingest saw has happened, whatever clocks say.

    What people inject is refused with PermanentError where it is in the future.
    """
    if source is Source.TEST_INJECTION:
        refuse_future(listed_at, now=now)
    return min(listed_at, now)


def utc_now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)
