"""Summaries: health, status, statistics, results and upcoming openings, with concurrent reads coalesced."""

from api.operator import monitor_switches
from api.operator.monitor_switches import MonitorState
from api.reading import health, status, upcoming
from api.reading.coalescing import CoalescedReads
from api.reading.reader import Reader
from api.reading.statistics import listing_stats, results, trade_stats
from api.reading.statistics.all_time import AllTime
from api.reading.statistics.results import Days
from api.reading.statistics.windows import Window
from api.schemas import Health, ListingStats, Results, Status, TradeStats, Upcoming
from shared.postgres.database import Database


class Summaries:
    """Reads summaries; each raises TransientError."""

    def __init__(self, database: Database, reader: Reader) -> None:
        self._database = database
        self._reader = reader
        self._all_time = AllTime(reader)
        self._health = CoalescedReads[Health]()
        self._status = CoalescedReads[Status]()
        self._listing_stats = CoalescedReads[ListingStats]()
        self._trade_stats = CoalescedReads[TradeStats]()
        self._results = CoalescedReads[Results]()
        self._upcoming = CoalescedReads[Upcoming]()
        self._monitor = CoalescedReads[MonitorState]()

    async def health(self) -> Health:
        """Return the overall health."""
        return await self._health.get("health", lambda: health.read(self._reader))

    async def status(self) -> Status:
        """Return the status of trading."""

        async def read() -> Status:
            return (await status.read(self._database, self._reader))[0]

        return await self._status.get("status", read)

    async def listing_stats(self, window: Window) -> ListingStats:
        """Return the statistics of listings."""
        return await self._listing_stats.get(window, lambda: listing_stats.read(self._reader, window))

    async def trade_stats(self, window: Window) -> TradeStats:
        """Return the statistics of trades."""
        return await self._trade_stats.get(window, lambda: trade_stats.read(self._database, self._reader, window))

    async def results(self, days: Days) -> Results:
        """Return the results by day, and all-time."""
        return await self._results.get(days, lambda: results.daily_results(self._reader, self._all_time, days))

    async def upcoming(self) -> Upcoming:
        """Return the upcoming openings."""
        return await self._upcoming.get("upcoming", lambda: upcoming.read(self._reader))

    async def monitor(self) -> MonitorState:
        """Return whether detection is paused."""
        return await self._monitor.get("monitor", lambda: monitor_switches.read(self._database))
