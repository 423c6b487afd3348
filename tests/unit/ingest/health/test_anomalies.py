"""Health and metrics of answers not believed, and of long quiet."""

import math
from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from ingest.catalogue import Catalogue, SymbolState
from ingest.health.anomalies import FEEDS, AnomalyMonitor, ListingDrought, RejectedFeeds, feed_of, latest_listing
from ingest.health.feed_health import Feed, FeedHealth
from ingest.source import SourceEvent
from shared.events import HealthStatus
from tests.support.data.builders import NOON
from tests.support.data.evidence import (
    OLD,
    a_record,
    after_first_start,
    after_restart,
    announced,
    first_trade,
    names,
    snapshot,
    ticks,
)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def seconds(self) -> float:
        return self.now.timestamp()

    def advance(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


def an_outlook(catalogue: Catalogue, registry: CollectorRegistry, clock: Clock) -> AnomalyMonitor:
    return AnomalyMonitor(catalogue, ListingDrought(timedelta(hours=72), NOON, clock), registry)


def test_answer_that_is_not_believed_is_told_with_the_reason_and_counted(
    registry: CollectorRegistry, clock: Clock
) -> None:
    catalogue = after_first_start()
    anomalies = an_outlook(catalogue, registry, clock)
    for event in (snapshot(*OLD), snapshot(), snapshot(*OLD[:5]), names(*OLD)):
        anomalies.note(event, catalogue.observe(event))

    assert anomalies.warnings() == "exchangeInfo not believed (empty: not a single symbol)"
    assert registry.get_sample_value("sniper_ingest_quarantined_reads_total", {"feed": "exchangeInfo"}) == 2


def test_doubt_degrades_health(registry: CollectorRegistry, clock: Clock) -> None:
    catalogue, feeds = after_first_start(), FeedHealth(Feed("exchangeInfo", 60))
    anomalies = an_outlook(catalogue, registry, clock)
    feeds.add_warning(anomalies.warnings)

    anomalies.note(names(*OLD[:5]), catalogue.observe(names(*OLD[:5])))

    told = "defaultSymbols not believed (shrunken: 15 of 20 symbols missing)"
    assert feeds.health() == (HealthStatus.DEGRADED, told)


def test_more_missing_symbols_than_are_delisted_at_once_degrade_health_until_they_are_back(
    registry: CollectorRegistry, clock: Clock
) -> None:
    lost = [f"LOST{number}USDT" for number in range(15)]
    catalogue, feeds = after_restart(*map(a_record, lost)), FeedHealth()
    anomalies = an_outlook(catalogue, registry, clock)
    feeds.add_warning(anomalies.warnings)

    with capture_logs() as logs:
        for second in range(0, 900, 100):
            anomalies.note(snapshot(*OLD, after=second), catalogue.observe(snapshot(*OLD, after=second)))

    told = "exchangeInfo lacks too many symbols to take them for delisted"
    assert feeds.health()[0] is HealthStatus.DEGRADED
    assert told in feeds.health()[1]
    assert [each["count"] for each in logs if each["event"] == told] == [15]

    back = snapshot(*OLD, *lost, after=900)
    anomalies.note(back, catalogue.observe(back))
    assert told not in feeds.health()[1]


def test_doubt_fades_and_its_words_stay_the_same_while_it_lasts(clock: Clock) -> None:
    rejections = RejectedFeeds(clock.seconds)
    assert rejections.note("websocket", "swollen: 51")

    clock.advance(seconds=30)
    assert not rejections.note("websocket", "swollen: 99")
    assert rejections() == "websocket not believed (swollen: 51)"
    clock.advance(seconds=31)

    assert rejections() == ""
    assert rejections.note("websocket", "swollen: 77")


def test_long_quiet_is_told_until_something_is_listed(registry: CollectorRegistry, clock: Clock) -> None:
    catalogue = after_first_start()
    anomalies = an_outlook(catalogue, registry, clock)
    clock.advance(hours=72)
    assert anomalies.warnings() == ""
    clock.advance(seconds=1)
    assert anomalies.warnings() == "no new listing since 2026-03-02 12:00 UTC"
    assert registry.get_sample_value("sniper_ingest_last_listing_age_seconds") == 72 * 3600 + 1

    new = ticks("ABCUSDT", after=72 * 3600 + 1)
    anomalies.note(new, catalogue.observe(new))

    assert anomalies.warnings() == ""
    assert registry.get_sample_value("sniper_ingest_last_listing_age_seconds") == 0


def test_quiet_goes_on_through_a_restart() -> None:
    record = [
        a_record("ABCUSDT"),
        a_record("XYZUSDT", SymbolState.ANNOUNCED, opens_at=NOON + timedelta(days=9)),
    ]

    assert latest_listing(record, otherwise=NOON) == NOON - timedelta(days=1)
    assert latest_listing([], otherwise=NOON) == NOON


def test_quiet_is_not_a_number_while_this_process_is_paused_or_stands_by(
    registry: CollectorRegistry, clock: Clock
) -> None:
    pause = "paused by ops"
    AnomalyMonitor(
        after_first_start(), ListingDrought(timedelta(hours=72), NOON, clock), registry, suspended=lambda: pause
    )
    clock.advance(hours=30)
    assert math.isnan(registry.get_sample_value("sniper_ingest_last_listing_age_seconds") or 0)

    pause = ""

    assert registry.get_sample_value("sniper_ingest_last_listing_age_seconds") == 30 * 3600


def test_answers_not_believed_are_counted_from_nought_for_every_feed(registry: CollectorRegistry, clock: Clock) -> None:
    an_outlook(after_first_start(), registry, clock)

    counted = {
        feed: registry.get_sample_value("sniper_ingest_quarantined_reads_total", {"feed": feed}) for feed in FEEDS
    }

    assert counted == dict.fromkeys(FEEDS, 0)


def test_symbols_are_counted_by_state(registry: CollectorRegistry, clock: Clock) -> None:
    an_outlook(after_first_start(), registry, clock)

    assert registry.get_sample_value("sniper_ingest_symbols", {"state": "tradable"}) == len(OLD)
    assert registry.get_sample_value("sniper_ingest_symbols", {"state": "gone"}) == 0


def test_moved_openings_are_counted(registry: CollectorRegistry, clock: Clock) -> None:
    catalogue = after_first_start()
    anomalies = an_outlook(catalogue, registry, clock)
    for event in (announced("ABCUSDT", 3600), snapshot(*OLD, "ABCUSDT"), announced("ABCUSDT", 7200)):
        anomalies.note(event, catalogue.observe(event))

    assert registry.get_sample_value("sniper_ingest_rescheduled_total") == 1


def test_new_symbols_are_counted_for_the_source_that_saw_them(registry: CollectorRegistry, clock: Clock) -> None:
    catalogue = after_first_start()
    anomalies = an_outlook(catalogue, registry, clock)
    for event in (ticks("ABCUSDT"), ticks("ABCUSDT", "XYZUSDT")):
        anomalies.note(event, catalogue.observe(event))

    assert registry.get_sample_value("sniper_ingest_sightings_total", {"source": "mexc_websocket"}) == 2


@pytest.mark.parametrize(
    ("event", "feed"),
    [
        (snapshot(), "exchangeInfo"),
        (names(), "defaultSymbols"),
        (ticks(), "websocket"),
        (first_trade("ABCUSDT"), "trades"),
        (announced("ABCUSDT", 60), "calendar"),
    ],
)
def test_the_feed_of_an_event_is_known(event: SourceEvent, feed: str) -> None:
    assert feed_of(event) == feed
    assert feed in FEEDS
