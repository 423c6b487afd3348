"""Poll intervals: the usual one, and a shorter one near a known opening. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.source import Upcoming


@dataclass(frozen=True, slots=True)
class PollInterval:
    """Seconds between two requests."""

    usual_seconds: float
    opening_seconds: float

    def seconds(self, *, opening: bool) -> float:
        return min(self.usual_seconds, self.opening_seconds) if opening else self.usual_seconds


@dataclass(frozen=True, slots=True)
class OpeningWindow:
    """Time around an opening with the shorter interval. It goes on after the opening, which may be late."""

    before: timedelta = timedelta(seconds=60)
    after: timedelta = timedelta(seconds=300)

    def is_near(self, upcoming: Iterable[Upcoming], now: datetime) -> bool:
        """Return whether one of *upcoming* is about to open, or is due and does not trade yet."""
        return any(-self.after <= each.opens_at - now <= self.before for each in upcoming if each.opens_at is not None)
