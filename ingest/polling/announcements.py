"""Announcements of the exchange: logged and counted for people, never evidence."""

import re
from collections.abc import Iterable
from typing import Final, Never

import structlog

from ingest.budget.request_budget import Priority, RequestBudget
from ingest.health.feed_health import Feed, FeedHealth
from ingest.metrics import Metrics
from ingest.polling.poll import FixedInterval, Poll, RetrySeconds, run_poll
from ingest.source import Report
from shared.events import Source
from shared.mexc.announcement_payloads import Notice
from shared.mexc.market_data import MexcMarketData
from shared.mexc.weights import weight_of

log = structlog.get_logger(__name__)

WEIGHT: Final = weight_of("/api/v3/announcements")
RETRY: Final = RetrySeconds(60.0, 1800.0)
TITLE_LENGTH_MAX: Final = 200
_LISTING: Final = re.compile(r"\blist(s|ed|ing|ings)?\b", re.IGNORECASE)
_TICKER: Final = re.compile(r"\(([^\W_a-z]{2,15})\)")


class AnnouncementPoll:
    """Source without events: no symbol is listed or expected because of a title."""

    name: Final = Source.MEXC_REST_API

    def __init__(
        self, rest: MexcMarketData, budget: RequestBudget, every_seconds: float, feeds: FeedHealth, metrics: Metrics
    ) -> None:
        self._rest = rest
        self._budget = budget
        self._metrics = metrics
        self._feed = feeds.add(Feed("announcements", 3 * every_seconds, optional=True))
        self._latest: Notice | None = None
        self._every_seconds = every_seconds

    async def watch(self, report: Report) -> Never:
        await run_poll(Poll(self._feed, self.ask, FixedInterval(self._every_seconds), RETRY), report, self._metrics)

    async def ask(self, _: Report) -> bool:
        """Log the newest listing announced; return True, since nothing is reported that could be rejected."""
        async with self._budget.spend(WEIGHT, Priority.SPARE):
            notices = await self._rest.notices()
        latest = max(listings_among(notices), key=lambda notice: notice.posted_at, default=None)
        if latest is not None and (self._latest is None or latest.posted_at > self._latest.posted_at):
            self._latest = latest
            self._metrics.announced_at.set(latest.posted_at.timestamp())
            log.info(
                "newest listing announced",
                title=latest.title[:TITLE_LENGTH_MAX],
                assets=assets_in(latest.title),
                posted_at=latest.posted_at.isoformat(),
            )
        return True


def listings_among(notices: Iterable[Notice]) -> list[Notice]:
    """Return the announcements of a listing that name an asset."""
    return [notice for notice in notices if _LISTING.search(notice.title) and assets_in(notice.title)]


def assets_in(title: str) -> list[str]:
    """Return the tickers in brackets in *title*, as MEXC writes them."""
    return _TICKER.findall(title)
