"""Requests of the polls, and their reading of the answers."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import httpx
import pytest
from prometheus_client import CollectorRegistry

from ingest.budget.budget_metrics import BudgetMetrics
from ingest.budget.rate_limit import Limits
from ingest.budget.request_budget import RequestBudget
from ingest.health.feed_health import FeedHealth
from ingest.metrics import Metrics
from ingest.polling.poll_interval import PollInterval
from ingest.polling.symbol_polls import PollIntervals, SymbolPolls
from ingest.sighting_time import UpcomingOpenings
from ingest.source import Snapshot, Source, SourceEvent, SymbolNames, Upcoming
from shared.events import utc_now
from shared.mexc.http.request import RestLimits
from shared.mexc.market_data import MexcMarketData
from tests.waiting import eventually

Answer = Callable[[], httpx.Response]
PLENTY = Limits(weight=10**9, requests=10**9)


class Exchange:
    """Answers both endpoints as scripted, and counts."""

    def __init__(self, *symbols: str) -> None:
        self.symbols = list(symbols)
        self.names: Answer = lambda: httpx.Response(200, json={"code": 200, "data": self.symbols, "msg": None})
        self.infos: Answer = lambda: httpx.Response(200, json={"symbols": [{"symbol": each} for each in self.symbols]})
        self.asked = {"defaultSymbols": 0, "exchangeInfo": 0}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        endpoint = request.url.path.rsplit("/", 1)[1]
        self.asked[endpoint] += 1
        return self.names() if endpoint == "defaultSymbols" else self.infos()


def trouble_with(feeds: FeedHealth) -> str:
    """What is wrong with the names."""
    return next(feed.trouble() for feed in feeds if feed.name == "defaultSymbols")


class Reported:
    """Takes evidence in, and believes it unless it is empty."""

    def __init__(self) -> None:
        self.event: list[SourceEvent] = []

    async def __call__(self, event: SourceEvent) -> bool:
        self.event.append(event)
        return not isinstance(event, SymbolNames | Snapshot) or bool(event.symbols)

    @property
    def snapshots(self) -> list[list[str]]:
        return [[info.symbol for info in each.symbols] for each in self.event if isinstance(each, Snapshot)]

    @property
    def names(self) -> list[set[str]]:
        return [set(each.symbols) for each in self.event if isinstance(each, SymbolNames)]


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def feeds() -> FeedHealth:
    return FeedHealth()


@pytest.fixture
def metrics(registry: CollectorRegistry, feeds: FeedHealth) -> Metrics:
    return Metrics(registry, feeds)


@asynccontextmanager
async def polling(
    exchange: Exchange,
    feeds: FeedHealth,
    metrics: Metrics,
    *,
    beats: tuple[PollInterval, PollInterval] = (PollInterval(0.01, 0.01), PollInterval(600, 600)),
    gap_seconds: float = 0.01,
    limits: Limits = PLENTY,
    upcoming: Sequence[Upcoming] = (),
    registry: CollectorRegistry | None = None,
) -> AsyncIterator[Reported]:
    """Poll the names quickly and the snapshots so slowly that only a new name brings another one."""
    budget = RequestBudget(limits, BudgetMetrics(registry or CollectorRegistry()))
    async with httpx.AsyncClient(transport=httpx.MockTransport(exchange), base_url="http://exchange") as http:
        pace = PollIntervals(beats[0], beats[1], blind_seconds=-1, snapshot_gap_seconds=gap_seconds)
        rest = MexcMarketData(http, RestLimits())
        polls = SymbolPolls(rest, budget, pace, UpcomingOpenings(lambda: upcoming), feeds, metrics)
        async with watching(polls) as reported:
            yield reported


@asynccontextmanager
async def watching(source: Source) -> AsyncIterator[Reported]:
    """Let *source* watch for the time of the block."""
    reported = Reported()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(source.watch(reported))
        yield reported
        task.cancel()


async def test_names_come_before_the_first_snapshot(feeds: FeedHealth, metrics: Metrics) -> None:
    async with polling(Exchange("BTCUSDT"), feeds, metrics) as reported:
        await eventually(lambda: reported.snapshots)

    assert isinstance(reported.event[0], SymbolNames)
    assert reported.snapshots == [["BTCUSDT"]]


async def test_watch_that_begins_again_asks_for_a_snapshot_as_a_start_does(feeds: FeedHealth, metrics: Metrics) -> None:
    exchange = Exchange("BTCUSDT")
    async with httpx.AsyncClient(transport=httpx.MockTransport(exchange), base_url="http://exchange") as http:
        pace = PollIntervals(PollInterval(1, 1), PollInterval(600, 600), snapshot_gap_seconds=0.01)
        budget = RequestBudget(PLENTY, BudgetMetrics(CollectorRegistry()))
        polls = SymbolPolls(
            MexcMarketData(http, RestLimits()), budget, pace, UpcomingOpenings(lambda: ()), feeds, metrics
        )

        async def first_of_a_watch() -> SourceEvent:
            async with watching(polls) as reported:
                await eventually(lambda: reported.snapshots)
            return reported.event[0]

        firsts = [await first_of_a_watch() for _ in range(2)]

    assert all(isinstance(first, SymbolNames) for first in firsts)


async def test_new_name_asks_for_a_snapshot_before_its_time(feeds: FeedHealth, metrics: Metrics) -> None:
    exchange = Exchange("BTCUSDT")
    async with polling(exchange, feeds, metrics) as reported:
        await eventually(lambda: reported.snapshots)
        exchange.symbols.append("ABCUSDT")
        await eventually(lambda: len(reported.snapshots) == 2)

    assert {"BTCUSDT", "ABCUSDT"} in reported.names
    assert reported.snapshots[1] == ["BTCUSDT", "ABCUSDT"]


async def test_name_that_comes_and_goes_asks_for_a_snapshot_only_once(feeds: FeedHealth, metrics: Metrics) -> None:
    exchange = Exchange("BTCUSDT")
    answers = iter([["BTCUSDT"], ["BTCUSDT", "ABCUSDT"]] * 1000)
    exchange.names = lambda: httpx.Response(200, json={"data": next(answers)})
    async with polling(exchange, feeds, metrics):
        await eventually(lambda: exchange.asked["defaultSymbols"] > 50)

    assert exchange.asked["exchangeInfo"] <= 2


@pytest.mark.parametrize(
    "broken",
    [
        lambda: httpx.Response(503),
        lambda: httpx.Response(200, text="<html>maintenance</html>"),
        lambda: httpx.Response(400, json={"code": -1121, "msg": "Invalid symbol."}),
    ],
)
async def test_failed_answer_is_counted_and_never_reported(
    broken: Answer, feeds: FeedHealth, metrics: Metrics, registry: CollectorRegistry
) -> None:
    exchange = Exchange("BTCUSDT")
    working, exchange.names = exchange.names, broken
    async with polling(exchange, feeds, metrics) as reported:
        await eventually(lambda: exchange.asked["defaultSymbols"] >= 1)
        await eventually(lambda: "(" in trouble_with(feeds))
        assert reported.event == []

        exchange.names = working
        await eventually(lambda: reported.names)

    samples = [sample for metric in registry.collect() for sample in metric.samples]
    errors = [each.value for each in samples if each.name == "sniper_ingest_rest_errors_total"]
    assert sum(errors) >= 1


async def test_snapshots_keep_their_distance_however_many_names_are_new(feeds: FeedHealth, metrics: Metrics) -> None:
    exchange = Exchange("BTCUSDT")
    fresh = (f"COIN{number}USDT" for number in range(1000))
    exchange.names = lambda: httpx.Response(200, json={"data": ["BTCUSDT", next(fresh)]})
    async with polling(exchange, feeds, metrics, gap_seconds=600):
        await eventually(lambda: exchange.asked["defaultSymbols"] > 20)

    assert exchange.asked["exchangeInfo"] == 1


async def test_failing_snapshots_do_not_keep_the_names_from_being_asked(feeds: FeedHealth, metrics: Metrics) -> None:
    exchange = Exchange("BTCUSDT")
    async with polling(exchange, feeds, metrics) as reported:
        await eventually(lambda: reported.names)
        exchange.infos = lambda: httpx.Response(500)
        exchange.symbols.append("ABCUSDT")
        await eventually(lambda: exchange.asked["exchangeInfo"] >= 2)
        count = len(reported.names)
        await eventually(lambda: len(reported.names) > count + 3)


async def test_a_snapshot_that_failed_is_asked_for_again_as_soon_as_the_names_are_back(
    feeds: FeedHealth, metrics: Metrics
) -> None:
    exchange = Exchange("ABCUSDT")
    names, infos = exchange.names, exchange.infos
    exchange.infos = lambda: httpx.Response(503)
    async with polling(exchange, feeds, metrics) as reported:
        await eventually(lambda: exchange.asked["exchangeInfo"] >= 3, within_seconds=20)
        exchange.names = lambda: httpx.Response(503)
        asked = exchange.asked["defaultSymbols"]
        await eventually(lambda: exchange.asked["defaultSymbols"] > asked)
        exchange.infos, before = infos, exchange.asked["exchangeInfo"]
        exchange.names = names
        await eventually(lambda: reported.snapshots, within_seconds=3.5)  # Its own next try is four away.

    assert exchange.asked["exchangeInfo"] == before + 1


async def test_answer_that_is_not_believed_counts_as_none(feeds: FeedHealth, metrics: Metrics) -> None:
    exchange = Exchange()
    async with polling(exchange, feeds, metrics) as reported:
        await eventually(lambda: reported.names)
        await eventually(lambda: "not believed" in trouble_with(feeds))


async def test_snapshot_that_is_not_believed_is_asked_for_again_soon(feeds: FeedHealth, metrics: Metrics) -> None:
    exchange = Exchange("BTCUSDT")
    working, exchange.infos = exchange.infos, lambda: httpx.Response(200, json={"symbols": []})
    async with polling(exchange, feeds, metrics) as reported:
        await eventually(lambda: reported.snapshots == [[]])
        exchange.infos = working
        await eventually(lambda: reported.snapshots[1:] == [["BTCUSDT"]])


async def test_names_that_are_not_believed_ask_for_no_snapshot(feeds: FeedHealth, metrics: Metrics) -> None:
    exchange = Exchange()
    async with polling(exchange, feeds, metrics):
        await eventually(lambda: exchange.asked["defaultSymbols"] >= 2)

    assert exchange.asked["exchangeInfo"] == 0


async def test_both_beats_quicken_near_an_opening(feeds: FeedHealth, metrics: Metrics) -> None:
    exchange = Exchange("BTCUSDT")
    beats, upcoming = (PollInterval(600, 0.01), PollInterval(600, 0.01)), [Upcoming("NEWUSDT", utc_now())]
    async with polling(exchange, feeds, metrics, beats=beats, upcoming=upcoming) as reported:
        await eventually(lambda: len(reported.names) > 5 and len(reported.snapshots) > 5)


async def test_beat_is_held_back_by_the_budget(
    feeds: FeedHealth, metrics: Metrics, registry: CollectorRegistry
) -> None:
    exchange = Exchange("BTCUSDT")
    async with polling(exchange, feeds, metrics, limits=Limits(weight=30, requests=1000), registry=registry):
        await eventually(lambda: registry.get_sample_value("sniper_ingest_rest_waiting") == 1)

    assert exchange.asked == {"defaultSymbols": 5, "exchangeInfo": 1}


async def test_rate_limit_silences_both_polls_for_the_time_it_names(feeds: FeedHealth, metrics: Metrics) -> None:
    exchange = Exchange("BTCUSDT")
    async with polling(exchange, feeds, metrics) as reported:
        await eventually(lambda: reported.snapshots)
        exchange.names = lambda: httpx.Response(429, headers={"Retry-After": "1"})
        await eventually(lambda: "rate limited" in feeds.health()[1])
        limited_at, asked = asyncio.get_running_loop().time(), dict(exchange.asked)
        exchange.names = lambda: httpx.Response(200, json={"data": ["BTCUSDT", "ABCUSDT"]})

        await eventually(lambda: exchange.asked != asked)

    assert asyncio.get_running_loop().time() - limited_at >= 0.9
