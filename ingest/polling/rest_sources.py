"""REST sources on one budget. Wiring only."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from prometheus_client import CollectorRegistry

from ingest.budget.budget_metrics import BudgetMetrics
from ingest.budget.rate_limit import Limits
from ingest.budget.request_budget import RequestBudget
from ingest.health.feed_health import FeedHealth
from ingest.metrics import Metrics
from ingest.polling.announcements import AnnouncementPoll
from ingest.polling.calendar import CalendarPoll
from ingest.polling.symbol_polls import PollIntervals, SymbolPolls
from ingest.settings import IngestSettings
from ingest.sighting_time import TimePoll, UpcomingOpenings
from ingest.source import Source
from shared.mexc.market_data import connect_market_data
from shared.mexc.website import connect_website
from shared.settings import ExchangeSettings


def budget_of(settings: IngestSettings, registry: CollectorRegistry) -> RequestBudget:
    """Return the request budget of this process."""
    limits = Limits(weight=settings.weight_per_10_seconds, requests=settings.requests_per_second)
    return RequestBudget(limits, BudgetMetrics(registry))


@asynccontextmanager
async def rest_sources(
    exchange: ExchangeSettings,
    settings: IngestSettings,
    openings: UpcomingOpenings,
    feeds: FeedHealth,
    metrics: Metrics,
    budget: RequestBudget,
) -> AsyncIterator[Sequence[Source]]:
    """Open clients of the exchange's API and its web site, which need not be reachable yet."""
    async with connect_market_data(exchange.mexc_rest_url) as rest, connect_website(exchange.web_url) as web:
        yield (
            SymbolPolls(rest, budget, PollIntervals.of(settings), openings, feeds, metrics),
            CalendarPoll(web, budget, settings.calendar_seconds, feeds, metrics, openings.time),
            TimePoll(rest, budget, openings.time),
            AnnouncementPoll(rest, budget, settings.announcements_seconds, feeds, metrics),
        )
