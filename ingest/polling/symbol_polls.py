"""Polls of the exchange's symbols: tradable names often, descriptions of all symbols rarely."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Never

from ingest.budget.request_budget import Priority, RequestBudget
from ingest.health.feed_health import Feed, FeedHealth
from ingest.metrics import Metrics
from ingest.polling.poll import Poll, RetrySeconds, run_poll
from ingest.polling.poll_interval import OpeningWindow, PollInterval
from ingest.settings import IngestSettings
from ingest.sighting_time import UpcomingOpenings
from ingest.source import Report, Snapshot, SymbolNames
from shared.errors import pause
from shared.events import Source
from shared.mexc.market_data import MexcMarketData
from shared.mexc.weights import weight_of

NAMES_WEIGHT: Final = weight_of("/api/v3/defaultSymbols")
SNAPSHOT_WEIGHT: Final = weight_of("/api/v3/exchangeInfo")
NAMES_RETRY: Final = RetrySeconds(0.5, 5.0)
SNAPSHOT_RETRY: Final = RetrySeconds(2.0, 20.0)


@dataclass(frozen=True, slots=True)
class PollIntervals:
    """Interval of each endpoint."""

    names: PollInterval
    snapshots: PollInterval
    opening: OpeningWindow = field(default_factory=OpeningWindow)
    blind_seconds: float = 15.0
    """Time beyond its interval until an endpoint without a usable answer counts as blind."""
    snapshot_gap_seconds: float = 2.0
    """Least time between two snapshots, however many names are new: their weight would exhaust the rate limit."""

    @classmethod
    def of(cls, settings: IngestSettings) -> "PollIntervals":
        before, after = settings.opening_before_seconds, settings.opening_after_seconds
        return cls(
            names=PollInterval(settings.default_symbols_seconds, settings.default_symbols_opening_seconds),
            snapshots=PollInterval(settings.exchange_info_seconds, settings.exchange_info_opening_seconds),
            opening=OpeningWindow(timedelta(seconds=before), timedelta(seconds=after)),
            blind_seconds=settings.stall_seconds,
        )


class SymbolPolls:
    """Polls each endpoint at its interval, and requests a snapshot at once for a new name."""

    name: Final = Source.MEXC_REST_API

    def __init__(
        self,
        rest: MexcMarketData,
        budget: RequestBudget,
        intervals: PollIntervals,
        openings: UpcomingOpenings,
        feeds: FeedHealth,
        metrics: Metrics,
    ) -> None:
        self._rest = rest
        self._budget = budget
        self._intervals = intervals
        self._openings = openings
        self._metrics = metrics
        self._names_feed = feeds.add(Feed("defaultSymbols", intervals.names.usual_seconds + intervals.blind_seconds))
        self._snapshots_feed = feeds.add(
            Feed("exchangeInfo", intervals.snapshots.usual_seconds + intervals.blind_seconds)
        )
        feeds.add_warning(budget.trouble)
        self._names: dict[str, None] = {}
        """As keys of a dictionary: the garbage collector scans a set of thousands."""
        self._accepted: frozenset[str] = frozenset()
        self._snapshot_wanted = asyncio.Event()
        self._names_lost = False
        self._names_at = self._snapshot_at = float("-inf")

    async def watch(self, report: Report) -> Never:
        """Watch as from a start, also after a pause: the first names request a snapshot."""
        self._names.clear()
        self._accepted, self._names_at = frozenset(), float("-inf")
        names = Poll(self._names_feed, self.ask_names, self._until_next_names, NAMES_RETRY)
        ask, wait = self.ask_snapshot, self._until_next_snapshot
        snapshots = Poll(self._snapshots_feed, ask, wait, SNAPSHOT_RETRY, self._snapshot_wanted)
        async with asyncio.TaskGroup() as tasks:
            for poll in (names, snapshots):
                tasks.create_task(run_poll(poll, report, self._metrics), name=f"poll-{poll.feed.name}")
        raise AssertionError

    async def ask_names(self, report: Report) -> bool:
        """Report the tradable names; a new one requests a snapshot, and so do the first after a failure.

        Only a snapshot closes a gap, and what appears before it does counts as late.
        """
        was_lost, self._names_lost = self._names_lost, True
        opening = self._is_opening()
        async with self._budget.spend(NAMES_WEIGHT, Priority.URGENT if opening else Priority.ROUTINE):
            self._names_at = _loop_time()
            names = await self._rest.default_symbols()
        accepted = await report(SymbolNames(self.name, self._openings.time(), names, complete=True))
        self._names_lost = not accepted
        if accepted and was_lost:
            self._snapshot_wanted.set()
        if accepted and names is not self._accepted:
            self._accepted = names
            if new := names.difference(self._names):
                self._snapshot_wanted.set()
                await asyncio.sleep(0)
                self._names.update(dict.fromkeys(new))
        return accepted

    async def _until_next_names(self) -> None:
        await _until(self._names_at + self._intervals.names.seconds(opening=self._is_opening()))

    async def ask_snapshot(self, report: Report) -> bool:
        """Report the descriptions of all symbols, at some distance to the last ones."""
        await _until(self._snapshot_at + self._intervals.snapshot_gap_seconds)
        prompted = self._snapshot_wanted.is_set()
        self._snapshot_wanted.clear()
        async with self._budget.spend(SNAPSHOT_WEIGHT, Priority.ROUTINE if prompted else Priority.SPARE):
            self._snapshot_at = _loop_time()
            symbols = await self._rest.exchange_info()
        return await report(Snapshot(self.name, self._openings.time(), symbols))

    async def _until_next_snapshot(self) -> None:
        """Wait for the interval or a new name; the very first names request the first snapshot."""
        await pause(self._intervals.snapshots.seconds(opening=self._is_opening()), self._snapshot_wanted)

    def _is_opening(self) -> bool:
        return self._intervals.opening.is_near(self._openings.upcoming(), self._openings.time())


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


async def _until(loop_time: float) -> None:
    await asyncio.sleep(max(0.0, loop_time - _loop_time()))
