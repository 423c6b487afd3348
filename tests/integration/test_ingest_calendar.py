"""The calendar as a source: what it reports, and how little its absence matters."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from ingest.budget.budget_metrics import BudgetMetrics
from ingest.budget.rate_limit import Limits
from ingest.budget.request_budget import RequestBudget
from ingest.health.feed_health import Feed, FeedHealth
from ingest.metrics import Metrics
from ingest.polling.calendar import CalendarPoll
from ingest.source import Announcement, SourceEvent
from shared.events import HealthStatus, Source, utc_now
from shared.mexc.http.request import RestLimits
from shared.mexc.website import connect_website
from tests.support.fakes.loopback import Behaviour, Loopback, answering, hanging, reply, resetting, serving
from tests.support.running.simulators import simulator_in_this_process
from tests.waiting import eventually

LIMITS = RestLimits(total_seconds=0.2)


class Watched:
    """What the source reported, and how it does."""

    def __init__(self) -> None:
        self.feeds = FeedHealth(Feed("websocket", 3600))
        self.metrics = Metrics(CollectorRegistry(), self.feeds)
        self.budget = RequestBudget(Limits(), BudgetMetrics(CollectorRegistry()))
        self.announced: list[Announcement] = []

    async def report(self, evidence: SourceEvent) -> bool:
        assert isinstance(evidence, Announcement)
        self.announced.append(evidence)
        return True

    @property
    def symbols(self) -> list[str]:
        return [each.symbol for each in self.announced]

    @property
    def trouble(self) -> str:
        return "; ".join(feed.trouble() for feed in self.feeds if feed.name == "calendar")


@asynccontextmanager
async def watching(url: str, every_seconds: float = 0.01) -> AsyncIterator[Watched]:
    watched = Watched()
    async with connect_website(url, LIMITS) as web, asyncio.TaskGroup() as tasks:
        poll = CalendarPoll(web, watched.budget, every_seconds, watched.feeds, watched.metrics)
        task = tasks.create_task(poll.watch(watched.report))
        yield watched
        task.cancel()


@asynccontextmanager
async def watching_a_site(behave: Behaviour, every_seconds: float = 0.01) -> AsyncIterator[tuple[Watched, Loopback]]:
    async with serving(behave) as site, watching(site.url, every_seconds) as watched:
        yield watched, site


def a_coin(name: Any, opens_at: datetime | None) -> dict[str, Any]:
    return {"vcoinId": "1", "vcoinName": name, "firstOpenTime": opens_at and int(opens_at.timestamp() * 1000)}


def calendar(*coins: Any) -> Behaviour:
    return answering(reply(json.dumps({"data": {"newCoins": list(coins)}}).encode()))


async def test_coin_to_come_is_announced_with_its_pair_and_time() -> None:
    async with simulator_in_this_process() as simulator:
        listed = await simulator.list_coin("SOONUSDT", opens_in=3600, listed_in=1800)
        async with watching(simulator.rest_url) as watched:
            await eventually(lambda: watched.announced)

    announcement = watched.announced[0]
    assert (announcement.symbol, announcement.source) == ("SOONUSDT", Source.MEXC_REST_API)
    assert announcement.opens_at.timestamp() * 1000 == listed["first_open_time_ms"]
    assert set(watched.symbols) == {"SOONUSDT"}


async def test_watch_that_begins_again_asks_at_once() -> None:
    async with simulator_in_this_process() as simulator, connect_website(simulator.rest_url, LIMITS) as web:
        await simulator.list_coin("SOONUSDT", opens_in=3600, listed_in=1800)
        watched = Watched()
        poll = CalendarPoll(web, watched.budget, 600, watched.feeds, watched.metrics)
        for _ in range(2):
            watched.announced.clear()
            task = asyncio.create_task(poll.watch(watched.report))
            await eventually(lambda: watched.announced)
            task.cancel()
            await asyncio.wait([task])


async def test_moved_opening_is_announced_again() -> None:
    async with simulator_in_this_process() as simulator, watching(simulator.rest_url) as watched:
        await simulator.list_coin("SOONUSDT", opens_in=3600)
        await eventually(lambda: watched.announced)
        await simulator.change_coin("SOONUSDT", opens_in=7200)
        await eventually(lambda: watched.announced[-1].opens_at - utc_now() > timedelta(seconds=7000))


async def test_only_what_is_to_open_within_months_is_announced_the_soonest_first() -> None:
    now = utc_now()
    coins = [
        a_coin("LATER", now + timedelta(days=2)),
        a_coin("soon_er", now + timedelta(hours=1)),
        a_coin("PAST", now - timedelta(minutes=1)),
        a_coin("NEVER", now + timedelta(days=400)),
    ]
    async with watching_a_site(calendar(*coins), every_seconds=600) as (watched, _):
        await eventually(lambda: len(watched.announced) == 2)

    assert watched.symbols == ["SOONERUSDT", "LATERUSDT"]


async def test_odd_entries_cost_nothing_but_themselves() -> None:
    good = utc_now() + timedelta(hours=1)
    odd = [None, {}, "coin", a_coin(None, good), a_coin("", good), a_coin("X", None), a_coin(["A"], good)]
    async with watching_a_site(calendar(*odd, a_coin("GOOD", good))) as (watched, _):
        await eventually(lambda: watched.announced)

    assert set(watched.symbols) == {"GOODUSDT"}


async def test_empty_calendar_is_an_answer() -> None:
    async with watching_a_site(calendar()) as (watched, site):
        await eventually(lambda: len(site.requests) > 3)

    assert watched.announced == []


UNUSABLE = {
    "a firewall's 403": answering(reply(b"<html>Access Denied</html>", status="403 Forbidden")),
    "a page instead of data": answering(reply(b"<html>Just a moment...</html>")),
    "other JSON": answering(reply(b'{"data": null}')),
    "a server error": answering(reply(b"", status="502 Bad Gateway")),
    "a redirect": answering(reply(b"", status="302 Found", headers="Location: /login\r\n")),
    "no answer": hanging,
    "a reset": resetting,
}


@pytest.mark.parametrize("behave", UNUSABLE.values(), ids=UNUSABLE)
async def test_site_that_keeps_us_out_is_told_of_and_does_not_degrade_the_service(behave: Behaviour) -> None:
    async with watching_a_site(behave) as (watched, _):
        await eventually(lambda: "(" in watched.trouble)
        status, detail = watched.feeds.health()

    assert status is HealthStatus.RUNNING
    assert detail.startswith("calendar: no data yet (")
    assert watched.announced == []


async def test_site_that_keeps_us_out_is_left_alone_for_long() -> None:
    async with watching_a_site(UNUSABLE["a firewall's 403"]) as (watched, site):
        await eventually(lambda: "403" in watched.trouble)
        await asyncio.sleep(0.1)

    assert len(site.requests) == 1


async def test_refusal_of_the_site_does_not_close_the_api() -> None:
    limited = answering(reply(b"", status="429 Too Many Requests", headers="Retry-After: 600\r\n"))
    async with watching_a_site(limited) as (watched, _):
        await eventually(lambda: "rate limited for 600 s" in watched.trouble)
        async with asyncio.timeout(10), watched.budget.spend(1):
            pass

    assert watched.budget.trouble() == ""


async def test_site_is_asked_like_a_browser_would_and_past_caches() -> None:
    async with watching_a_site(calendar()) as (_, site):
        await eventually(lambda: len(site.requests) > 1)

    first, second, *_ = site.requests
    assert first.startswith("GET /api/operation/new_coin_calendar?timestamp=1")
    assert first.splitlines()[0] != second.splitlines()[0]
    assert "user-agent: Mozilla/5.0" in first.replace("User-Agent", "user-agent")
