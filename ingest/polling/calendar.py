"""Calendar of new coins on the web site, with their openings, where the site answers."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Never

import structlog

from ingest.budget.request_budget import Priority, RequestBudget
from ingest.health.feed_health import Feed, FeedHealth
from ingest.metrics import Metrics
from ingest.polling.poll import FixedInterval, Poll, RetrySeconds, run_poll
from ingest.source import Announcement, Report
from shared.events import Source, utc_now
from shared.mexc.announcement_payloads import NewCoin
from shared.mexc.errors import RateLimited
from shared.mexc.website import MexcWebsite
from shared.mexc.weights import weight_of

log = structlog.get_logger(__name__)

WEIGHT: Final = weight_of("/api/operation/new_coin_calendar")
QUOTE_ASSET: Final = "USDT"
"""Quote asset of MEXC's new coins."""
AHEAD_MAX: Final = timedelta(days=90)
"""A later opening is a mistake or a placeholder."""
COINS_MAX: Final = 200
"""Upcoming coins at once; the site shows a handful."""
RETRY: Final = RetrySeconds(60.0, 1800.0)
"""A site that refuses servers is retried twice an hour."""


class CalendarPoll:
    """Reports upcoming openings. Optional: no listing is detected by it alone."""

    name: Final = Source.MEXC_REST_API

    def __init__(
        self,
        web: MexcWebsite,
        budget: RequestBudget,
        every_seconds: float,
        feeds: FeedHealth,
        metrics: Metrics,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._web = web
        self._budget = budget
        self._metrics = metrics
        self._now = now
        self._feed = feeds.add(Feed("calendar", 3 * every_seconds, optional=True))
        self._every_seconds = every_seconds

    async def watch(self, report: Report) -> Never:
        await run_poll(Poll(self._feed, self.ask, FixedInterval(self._every_seconds), RETRY), report, self._metrics)

    async def ask(self, report: Report) -> bool:
        """Report upcoming openings; raise ExchangeError where the site does not answer."""
        refusal: RateLimited | None = None
        coins: Sequence[NewCoin] = ()
        async with self._budget.spend(WEIGHT, Priority.SPARE):
            try:
                coins = await self._web.new_coins(now_ms=int(self._now().timestamp() * 1000))
            except RateLimited as error:
                refusal = error
        if refusal is not None:
            raise refusal  # Outside: raised within, it would close the budget, whose limits are the API's.
        now = self._now()
        for coin in upcoming_among(coins, now):
            try:
                await report(Announcement(self.name, now, f"{coin.asset}{QUOTE_ASSET}", coin.opens_at))
            except Exception:
                log.exception("a coin of the calendar was not taken in", asset=coin.asset)
        return True


def upcoming_among(coins: Sequence[NewCoin], now: datetime) -> list[NewCoin]:
    """Return the coins that have not opened, soonest first, and at most a plausible number."""
    to_come = [coin for coin in coins if now < coin.opens_at <= now + AHEAD_MAX]
    return sorted(to_come, key=lambda coin: coin.opens_at)[:COINS_MAX]
