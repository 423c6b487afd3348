"""Publishing sightings: at once, held while the broker is away, and never in anybody's way."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from ingest.catalogue import Sighting, SymbolRecord, SymbolState
from ingest.health.feed_health import Feed, FeedHealth
from ingest.metrics import Metrics
from ingest.output.publisher import Publisher, publishing
from shared.bus.port import Message
from shared.errors import TransientError
from shared.events import RawListing, Source, TradingRules, utc_now
from shared.wire import cloudevents
from tests.support.data.builders import NOON, a_symbol_info
from tests.support.fakes.fakes import RecordingBus
from tests.waiting import eventually

LONG = "A" * 21 + "USDT"


class AwayBus(RecordingBus):
    """A bus whose broker is away until set otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.back = asyncio.Event()
        self.attempted: list[Message] = []

    @property
    def attempts(self) -> int:
        return len(self.attempted)

    async def publish(self, message: Message, /) -> None:
        self.attempted.append(message)
        if not self.back.is_set():
            raise TransientError("broker away")
        await super().publish(message)


def a_sighting(symbol: str = "ABCUSDT", *, late: bool = False, **shown: Any) -> Sighting:
    opens_at = NOON + timedelta(hours=1)
    record = SymbolRecord(symbol, SymbolState.LISTED, "ABC", "USDT", NOON, opens_at, late=late)
    return Sighting(record, Source.MEXC_REST_API, NOON + timedelta(seconds=1), **shown)


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry) -> Metrics:
    return Metrics(registry, FeedHealth(Feed("websocket", 1), Feed("defaultSymbols", 1), Feed("exchangeInfo", 1)))


@asynccontextmanager
async def on(bus: RecordingBus, metrics: Metrics, pending_max: int = 10) -> AsyncIterator[Publisher]:
    async with publishing(bus, metrics, pending_max, drain_seconds=0.05) as publisher:
        yield publisher


def published(bus: RecordingBus) -> list[RawListing]:
    decoded = [cloudevents.decode(message.body) for message in bus.published]
    return [event for event in decoded if isinstance(event, RawListing)]


async def test_event_tells_everything_about_the_sighting(metrics: Metrics) -> None:
    bus = RecordingBus()
    async with on(bus, metrics) as publisher:
        await publisher.publish(a_sighting(late=True), lambda _: None)

    [event] = published(bus)
    assert (event.symbol, event.base_asset, event.quote_asset) == ("ABCUSDT", "ABC", "USDT")
    assert (event.source, event.late, event.occurrence) == (Source.MEXC_REST_API, True, 1)
    assert event.listed_at == event.observed_at == NOON + timedelta(seconds=1)
    assert event.opens_at == NOON + timedelta(hours=1)
    assert bus.published[0].routing_key == "raw.mexc_rest_api"


async def test_a_late_sighting_leaves_time_to_those_who_saw_the_symbol_appear(metrics: Metrics) -> None:
    bus = RecordingBus()
    async with publishing(bus, metrics, 10, drain_seconds=5) as publisher:
        publisher.late_hold_seconds = 0.05
        for late in (True, False):
            await publisher.publish(a_sighting(late=late), lambda _: None)

    assert [event.late for event in published(bus)] == [False, True]


async def test_moved_opening_of_what_was_once_late_is_published_at_once(metrics: Metrics) -> None:
    bus, sighting = RecordingBus(), a_sighting(late=True)
    known = replace(sighting, record=msgspec.structs.replace(sighting.record, published=True))
    async with on(bus, metrics) as publisher:
        publisher.late_hold_seconds = 600
        await publisher.publish(known, lambda _: None)
        await eventually(lambda: [event.late for event in published(bus)] == [True])


async def test_event_tells_the_price_and_the_rules_where_they_are_known(metrics: Metrics) -> None:
    bus = RecordingBus()
    async with on(bus, metrics) as publisher:
        await publisher.publish(a_sighting(), lambda _: None)
        await publisher.publish(
            a_sighting("XYZUSDT", price=Decimal("0.5"), info=a_symbol_info("XYZUSDT", api_allowed=False)),
            lambda _: None,
        )

    bare, full = published(bus)
    assert (bare.price, bare.rules) == (None, None)
    assert (full.price, full.rules) == (
        Decimal("0.5"),
        TradingRules(
            base_precision=2,
            quote_precision=6,
            base_quantity_min=Decimal("0.01"),
            quote_amount_min=Decimal(1),
            quote_amount_min_market=Decimal(1),
            quote_amount_max=Decimal(2_000_000),
            quote_amount_max_market=Decimal(100_000),
            api_allowed=False,
            trade_side_type=1,
        ),
    )


async def test_sighting_is_safe_only_after_the_broker_has_it(metrics: Metrics) -> None:
    bus = AwayBus()
    safe: list[str] = []
    async with on(bus, metrics) as publisher:
        await publisher.publish(a_sighting(), lambda sighting: safe.append(sighting.record.symbol))
        await eventually(lambda: bus.attempts >= 1)
        assert safe == []

        bus.back.set()
        await eventually(lambda: safe == ["ABCUSDT"])


async def test_attempts_at_one_sighting_are_the_same_event(metrics: Metrics) -> None:
    bus = AwayBus()
    async with on(bus, metrics) as publisher:
        await publisher.publish(a_sighting(), lambda _: None)
        await eventually(lambda: bus.attempts >= 1)
        bus.back.set()
        await eventually(lambda: bus.published)

    assert len({message.message_id for message in bus.attempted}) == 1
    assert len(bus.attempted) > 1


async def test_symbol_of_any_script_is_published(metrics: Metrics) -> None:
    bus = RecordingBus()
    async with on(bus, metrics) as publisher:
        await publisher.publish(a_sighting("币安人生USDT"), lambda _: None)

    assert [event.symbol for event in published(bus)] == ["币安人生USDT"]


async def test_symbol_that_the_contract_has_no_place_for_is_a_dead_letter_once_and_safe_behind_it(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    bus, safe = AwayBus(), list[Source]()
    async with on(bus, metrics) as publisher:
        for source in Source.MEXC_REST_API, Source.MEXC_WEBSOCKET:
            sighting = replace(a_sighting(LONG), source=source)
            await publisher.publish(sighting, lambda sighting: safe.append(sighting.source))
        await eventually(lambda: bus.attempts >= 1)
        assert safe == []
        bus.back.set()
        await eventually(lambda: safe)

    [letter] = bus.published
    assert (letter.exchange, letter.routing_key) == ("sniper.dead", "raw.mexc_rest_api")
    assert letter.headers["x-sniper-reason"] == "Invalid symbol format"
    told = json.loads(letter.body)
    assert (told["type"], told["data"]["symbol"]) == ("sniper.listing.raw", LONG)
    assert registry.get_sample_value("sniper_ingest_unpublishable_total") == 2


@pytest.mark.parametrize("symbol", ["A\0BUSDT", "ABC\ud800USDT", "币\u202eUSDT", "A" * 5000, "🚀USDT", ""])
async def test_dead_letter_of_whatever_name_can_be_written(metrics: Metrics, symbol: str) -> None:
    bus = RecordingBus()
    async with on(bus, metrics) as publisher:
        await publisher.publish(a_sighting(symbol), lambda _: None)

    [letter] = bus.published
    assert json.loads(letter.body)["data"]["symbol"] == symbol


@pytest.mark.parametrize("base", ["A\0B", "A" * 41, "A\ud800"])
async def test_asset_that_has_no_place_is_read_from_the_symbol(metrics: Metrics, base: str) -> None:
    bus, sighting = RecordingBus(), a_sighting()
    async with on(bus, metrics) as publisher:
        await publisher.publish(
            replace(sighting, record=SymbolRecord("ABCUSDT", SymbolState.LISTED, base, base, NOON)), lambda _: None
        )

    assert [(event.base_asset, event.quote_asset) for event in published(bus)] == [("ABC", "USDT")]


async def test_source_waits_when_too_many_sightings_are_held(metrics: Metrics) -> None:
    bus = AwayBus()
    async with on(bus, metrics, pending_max=2) as publisher, asyncio.TaskGroup() as tasks:
        for symbol in ("AAAUSDT", "BBBUSDT"):
            await publisher.publish(a_sighting(symbol), lambda _: None)
        third = tasks.create_task(publisher.publish(a_sighting("CCCUSDT"), lambda _: None))
        await eventually(lambda: bus.attempts >= 2)
        assert not third.done()

        bus.back.set()
        await third
        await eventually(lambda: len(bus.published) == 3)

    assert {event.symbol for event in published(bus)} == {"AAAUSDT", "BBBUSDT", "CCCUSDT"}


async def test_end_does_not_wait_for_a_broker_that_stays_away(metrics: Metrics) -> None:
    safe: list[Sighting] = []
    async with asyncio.timeout(10), on(AwayBus(), metrics) as publisher:
        await publisher.publish(a_sighting(), safe.append)

    assert safe == []


async def test_time_to_the_confirmation_counts_the_time_the_broker_was_away(
    metrics: Metrics, registry: CollectorRegistry
) -> None:
    bus, safe = AwayBus(), asyncio.Event()
    sighting = replace(a_sighting(), observed_at=utc_now() - timedelta(seconds=2))
    labels = {"source": "mexc_rest_api"}
    async with on(bus, metrics) as publisher:
        await publisher.publish(sighting, lambda _: safe.set())
        await eventually(lambda: bus.attempts)
        assert not registry.get_sample_value("sniper_ingest_publish_seconds_count", labels)
        bus.back.set()
        await safe.wait()

    assert registry.get_sample_value("sniper_ingest_publish_seconds_count", labels) == 1
    assert (registry.get_sample_value("sniper_ingest_publish_seconds_sum", labels) or 0) >= 2


async def test_publication_leaves_the_processor_to_what_takes_the_event_ahead(metrics: Metrics) -> None:
    bus, ahead, end = RecordingBus(), list[RawListing](), asyncio.get_running_loop().create_future()

    def take(event: RawListing) -> asyncio.Future[None]:
        ahead.append(event)
        return end

    async with on(bus, metrics) as publisher:
        publisher.ahead = take
        await publisher.publish(a_sighting(), lambda _: None)
        await asyncio.sleep(0)
        assert (len(ahead), published(bus)) == (1, [])
        end.set_result(None)
        await eventually(lambda: published(bus) == ahead)


async def test_publication_waits_no_longer_for_what_takes_the_event_ahead_than_its_head_start(
    metrics: Metrics,
) -> None:
    bus, never = RecordingBus(), asyncio.get_running_loop().create_future()

    async with on(bus, metrics) as publisher:
        publisher.ahead = lambda _: never
        await publisher.publish(a_sighting(), lambda _: None)
        await eventually(lambda: len(published(bus)) == 1)

    assert not never.done()


@pytest.mark.parametrize("in_its_task", [True, False])
async def test_error_of_what_takes_the_event_ahead_fails_no_publication(metrics: Metrics, *, in_its_task: bool) -> None:
    bus, confirmed = RecordingBus(), list[Sighting]()

    def fail(_: RawListing) -> asyncio.Future[None]:
        if not in_its_task:
            raise RuntimeError("ahead")
        failed = asyncio.get_running_loop().create_future()
        failed.set_exception(RuntimeError("ahead"))
        failed.exception()
        return failed

    async with on(bus, metrics) as publisher:
        publisher.ahead = fail
        await publisher.publish(a_sighting(), confirmed.append)
        await eventually(lambda: len(published(bus)) == len(confirmed) == 1)
