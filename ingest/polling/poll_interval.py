"""How often to ask: the usual beat, and a quicker one near a known opening. No clock."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.source_events import Upcoming


@dataclass(frozen=True, slots=True)
class PollInterval:
    """The seconds from one request to the next."""

    usual_seconds: float
    opening_seconds: float

    def seconds(self, *, opening: bool) -> float:
        return min(self.usual_seconds, self.opening_seconds) if opening else self.usual_seconds


@dataclass(frozen=True, slots=True)
class OpeningWindow:
    """What counts as near an opening. It lasts on after its time, as openings are late at times."""

    before: timedelta = timedelta(seconds=60)
    after: timedelta = timedelta(seconds=300)

    def is_near(self, upcoming: Iterable[Upcoming], now: datetime) -> bool:
        """Tell whether one of *upcoming* is about to open, or should have and does not trade yet."""
        return any(-self.after <= each.opens_at - now <= self.before for each in upcoming if each.opens_at is not None)
