"""The REST sources of ingest, as its service opens them, with everything they report kept."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from prometheus_client import CollectorRegistry

from ingest.health.feed_health import FeedHealth
from ingest.metrics import Metrics
from ingest.polling.rest_sources import budget_of, rest_sources
from ingest.settings import IngestSettings
from ingest.sighting_time import UpcomingOpenings
from ingest.source import Announcement, Snapshot, SourceEvent, SymbolNames, Upcoming, watch_all
from shared.settings import ExchangeSettings


class Polls:
    """Believes everything that shows a symbol."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.feeds = FeedHealth()
        self.metrics = Metrics(self.registry, self.feeds)
        self.evidence: list[SourceEvent] = []

    async def report(self, evidence: SourceEvent) -> bool:
        self.evidence.append(evidence)
        return bool(self._symbols(evidence))

    @property
    def names(self) -> list[set[str]]:
        return [self._symbols(each) for each in self.evidence if isinstance(each, SymbolNames)]

    @property
    def snapshots(self) -> list[set[str]]:
        return [self._symbols(each) for each in self.evidence if isinstance(each, Snapshot)]

    @property
    def announced(self) -> set[str]:
        return {each.symbol for each in self.evidence if isinstance(each, Announcement)}

    @property
    def detail(self) -> str:
        """What health says is wrong."""
        return self.feeds.health()[1]

    def sample(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(f"sniper_ingest_{name}", labels) or 0.0

    def _symbols(self, evidence: SourceEvent) -> set[str]:
        match evidence:
            case SymbolNames():
                return set(evidence.symbols)
            case Snapshot():
                return {info.symbol for info in evidence.symbols}
            case _:
                return {evidence.symbol}


@asynccontextmanager
async def polling(
    url: str, upcoming: Callable[[], Sequence[Upcoming]] = tuple, **settings: Any
) -> AsyncIterator[Polls]:
    """Poll the exchange at *url*, its calendar too, for the time of the block."""
    polls, stop = Polls(), asyncio.Event()
    exchange, chosen = ExchangeSettings(mexc_rest_url=url), IngestSettings(**settings)
    budget = budget_of(chosen, polls.registry)
    async with (
        rest_sources(exchange, chosen, UpcomingOpenings(upcoming), polls.feeds, polls.metrics, budget) as sources,
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(watch_all(sources, polls.report, stop))
        try:
            yield polls
        finally:
            stop.set()
