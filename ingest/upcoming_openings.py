"""Upcoming openings, and the clock to compare them with."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ingest.sighting_time import ExchangeTime
from ingest.source_events import Upcoming


@dataclass(frozen=True, slots=True)
class UpcomingOpenings:
    upcoming: Callable[[], Sequence[Upcoming]]
    time: ExchangeTime = field(default_factory=ExchangeTime)

    def now(self) -> datetime:
        return self.time()
