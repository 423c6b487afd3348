"""Summaries: health, status, statistics, results, openings to come, read once for all who ask at the same time."""

from api.operator import monitor_switches
from api.operator.monitor_switches import MonitorState
from api.reading import health, status, upcoming
from api.reading.answers import Health, ListingStats, Results, Status, TradeStats, Upcoming
from api.reading.coalescing import Coalesced
from api.reading.reader import Reader
from api.reading.statistics import listing_stats, results, trade_stats
from api.reading.statistics.all_time import AllTime
from api.reading.statistics.results import Days
from api.reading.statistics.windows import Window
from shared.postgres.database import Database


class Summaries:
    """Reads summaries; each raises TransientError."""

    def __init__(self, database: Database, reader: Reader) -> None:
        self._database = database
        self._reader = reader
        self._all_time = AllTime(reader)
        self._health = Coalesced[Health]()
        self._status = Coalesced[Status]()
        self._listing_stats = Coalesced[ListingStats]()
        self._trade_stats = Coalesced[TradeStats]()
        self._results = Coalesced[Results]()
        self._upcoming = Coalesced[Upcoming]()
        self._monitor = Coalesced[MonitorState]()

    async def health(self) -> Health:
        """Return the health of everything."""
        return await self._health.get("health", lambda: health.read(self._reader))

    async def status(self) -> Status:
        """Return what trading may do now."""

        async def read() -> Status:
            return (await status.read(self._database, self._reader))[0]

        return await self._status.get("status", read)

    async def listing_stats(self, window: Window) -> ListingStats:
        """Return how many listings each source brought, and which was first."""
        return await self._listing_stats.get(window, lambda: listing_stats.read(self._reader, window))

    async def trade_stats(self, window: Window) -> TradeStats:
        """Return how trades ended, how long each stage took, and what they came to."""
        return await self._trade_stats.get(window, lambda: trade_stats.read(self._database, self._reader, window))

    async def results(self, days: Days) -> Results:
        """Return what positions came to by day, and since ever."""
        return await self._results.get(days, lambda: results.by_day(self._reader, self._all_time, days))

    async def upcoming(self) -> Upcoming:
        """Return the openings to come."""
        return await self._upcoming.get("upcoming", lambda: upcoming.read(self._reader))

    async def monitor(self) -> MonitorState:
        """Return whether detection sleeps."""
        return await self._monitor.get("monitor", lambda: monitor_switches.read(self._database))
