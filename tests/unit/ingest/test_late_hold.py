"""A coin that has just opened when ingest starts: published with what exchangeInfo states of it a moment later."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal

import pytest
from prometheus_client import CollectorRegistry

from ingest.catalogue import Catalogue, SymbolRecord, SymbolState
from ingest.detector import Detector
from ingest.health.anomalies import AnomalyMonitor, ListingDrought
from ingest.health.feed_health import FeedHealth
from ingest.metrics import Metrics
from ingest.output.late_hold import LateHold
from ingest.output.publisher import Publisher, publishing
from ingest.output.symbol_recorder import SymbolRecorder
from ingest.source import Report, SourceEvent
from shared.events import RawListing, Source
from shared.process.heartbeat import Component
from shared.wire import cloudevents
from tests.support.data.builders import NOON, a_symbol_info
from tests.support.data.evidence import OLD, a_record, after_restart, at, first_trade, names, opening, snapshot, ticks
from tests.support.fakes.fakes import RecordingBus
from tests.waiting import eventually

FOR_EVER = 600.0
SHOWS = [names(*OLD, "ABCUSDT"), ticks("ABCUSDT", price=Decimal(1)), first_trade("ABCUSDT")]


class Watching:
    """Detection on a catalogue, with what it publishes and stores."""

    def __init__(self, publisher: Publisher, catalogue: Catalogue, bus: RecordingBus) -> None:
        registry = CollectorRegistry()
        anomalies = AnomalyMonitor(catalogue, ListingDrought(timedelta(hours=72), NOON), registry)
        self.recorder = SymbolRecorder(self._keep)
        self.report: Report = Detector(catalogue, publisher, self.recorder, Component("ingest"), anomalies).report
        self.publisher, self._bus = publisher, bus
        self.stored: list[SymbolRecord] = []

    async def _keep(self, records: Collection[SymbolRecord]) -> None:
        self.stored += records

    @property
    def published(self) -> list[RawListing]:
        events = [cloudevents.decode(message.body) for message in self._bus.published]
        return [event for event in events if isinstance(event, RawListing)]


async def turns() -> None:
    """Let whatever is not held be published."""
    for _ in range(50):
        await asyncio.sleep(0)


@asynccontextmanager
async def watching(*records: SymbolRecord, hold_seconds: float = FOR_EVER) -> AsyncIterator[Watching]:
    bus, metrics = RecordingBus(), Metrics(CollectorRegistry(), FeedHealth())
    async with publishing(bus, metrics, 10, drain_seconds=0.01) as publisher:
        publisher.hold = LateHold(hold_seconds)
        yield Watching(publisher, after_restart(*records), bus)


@pytest.mark.parametrize("show", SHOWS)
async def test_what_the_first_event_showed_is_published_with_its_opening_as_soon_as_that_is_stated(
    show: SourceEvent,
) -> None:
    async with watching() as on:
        await on.report(show)
        await turns()
        assert on.published == []

        await on.report(snapshot(*OLD, opening(-5), after=1))
        await eventually(lambda: [event for event in on.published if event.source is show.source])
        await on.recorder.flush()

    event = next(event for event in on.published if event.source is show.source)
    assert (event.opens_at, event.observed_at, event.late) == (at(-5), NOON, True)
    assert event.price is None  # That of then is too old for an order.
    assert event.rules is not None
    assert on.stored[-1].published


async def test_sighting_of_the_second_source_does_not_overtake_it() -> None:
    async with watching() as on:
        await on.report(names(*OLD, "ABCUSDT"))
        await on.report(ticks("ABCUSDT", after=0.1))
        await turns()
        assert on.published == []

        await on.report(snapshot(*OLD, opening(-5), after=1))
        await eventually(lambda: len(on.published) == 2)

    assert {event.opens_at for event in on.published} == {at(-5)}
    assert {event.source for event in on.published} == {Source.MEXC_REST_API, Source.MEXC_WEBSOCKET}


async def test_what_is_not_described_in_time_is_published_without() -> None:
    async with watching(hold_seconds=0.01) as on:
        await on.report(names(*OLD, "ABCUSDT"))
        await on.report(snapshot(*OLD, after=1))
        await eventually(lambda: on.published)

    assert [(event.late, event.opens_at, event.rules) for event in on.published] == [(True, None, None)]


async def test_what_was_described_but_has_no_opening_waits_no_longer() -> None:
    async with watching() as on:
        await on.report(names(*OLD, "ABCUSDT"))
        await on.report(snapshot(*OLD, a_symbol_info("ABCUSDT", first_open_time=None), after=1))
        await eventually(lambda: on.published)


async def test_what_appears_under_watch_waits_for_nothing() -> None:
    async with watching() as on:
        await on.report(snapshot(*OLD))
        await on.report(names(*OLD, "ABCUSDT", after=1))
        await eventually(lambda: on.published)


@pytest.mark.parametrize(("opened", "is_held"), [(-5.0, False), (600.0, False), (-86_400.0, True)])
async def test_announced_symbol_waits_only_where_the_calendar_states_an_opening_of_long_ago(
    opened: float, *, is_held: bool
) -> None:
    async with watching(a_record("ABCUSDT", SymbolState.ANNOUNCED, opens_at=at(opened))) as on:
        await on.report(names(*OLD, "ABCUSDT"))
        if is_held:
            await turns()
            assert on.published == []
            await on.report(snapshot(*OLD, opening(-5), after=1))
        await eventually(lambda: on.published)

    assert on.published[0].opens_at == at(-5 if is_held else opened)


async def test_one_of_several_processes_passes_it_ahead_once_described_and_publishes_it_after_its_hold() -> None:
    ahead: list[RawListing] = []

    def take(event: RawListing) -> None:
        ahead.append(event)

    async with watching() as on:
        on.publisher.late_hold_seconds, on.publisher.ahead = FOR_EVER, take
        await on.report(names(*OLD, "ABCUSDT"))
        await turns()
        assert ahead == []

        await on.report(snapshot(*OLD, opening(-5), after=1))
        await eventually(lambda: ahead)
        assert on.published == []

    assert [event.opens_at for event in ahead] == [at(-5)]
