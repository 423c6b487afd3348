"""Calendar of new coins on the web site, with their openings, where the site answers."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final, Never

import structlog

from ingest.budget.request_budget import Priority, RequestBudget
from ingest.health.feed_health import Feed, FeedHealth
from ingest.metrics import Metrics
from ingest.polling.poll import Poll, RetrySeconds, run_poll
from ingest.source import Report
from ingest.source_events import Announcement
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
AGAIN: Final = RetrySeconds(60.0, 1800.0)
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
        self._every_seconds = every_seconds
        self._metrics = metrics
        self._now = now
        self._feed = feeds.add(Feed("calendar", 3 * every_seconds, optional=True))
        self._asked = False

    async def watch(self, report: Report) -> Never:
        await run_poll(Poll(self._feed, self._ask, self._until_next, AGAIN), report, self._metrics)

    async def _ask(self, report: Report) -> bool:
        async with self._budget.spend(WEIGHT, Priority.SPARE):
            answer = await self._answer()
        if isinstance(answer, RateLimited):
            raise answer
        now = self._now()
        for coin in _to_come(answer, now):
            try:
                await report(Announcement(self.name, now, f"{coin.asset}{QUOTE_ASSET}", coin.opens_at))
            except Exception:
                log.exception("a coin of the calendar was not taken in", asset=coin.asset)
        return True

    async def _answer(self) -> Sequence[NewCoin] | RateLimited:
        """A refusal is returned: raised, it would close the budget, and the web site's limits are not the API's."""
        self._asked = True
        try:
            return await self._web.new_coins(now_ms=int(self._now().timestamp() * 1000))
        except RateLimited as refusal:
            return refusal

    async def _until_next(self) -> None:
        if self._asked:
            await asyncio.sleep(self._every_seconds)


def _to_come(coins: Sequence[NewCoin], now: datetime) -> list[NewCoin]:
    """Return the coins that have not opened, soonest first, and at most a plausible number."""
    to_come = [coin for coin in coins if now < coin.opens_at <= now + AHEAD_MAX]
    return sorted(to_come, key=lambda coin: coin.opens_at)[:COINS_MAX]
