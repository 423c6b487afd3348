"""Blind feeds, and the service's report of them."""

import math
from functools import partial

import pytest
from prometheus_client import CollectorRegistry

from ingest.health.feed_health import Feed, FeedHealth, health_of
from ingest.metrics import Metrics
from shared.events import HealthStatus


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_feed_is_trusted_until_its_data_is_too_old(clock: Clock) -> None:
    feed = Feed("websocket", 15, clock)
    feed.received()

    clock.now += 15
    assert feed.trouble() == ""
    clock.now += 0.1
    assert feed.trouble().startswith("websocket: no data since ")


def test_feed_that_never_brought_data_says_so_with_the_reason(clock: Clock) -> None:
    feed = Feed("websocket", 15, clock)
    feed.lost("connection refused")

    clock.now += 16

    assert feed.trouble() == "websocket: no data yet (connection refused)"


def test_short_loss_is_no_trouble(clock: Clock) -> None:
    feed = Feed("websocket", 15, clock)
    feed.lost("connection reset")

    assert feed.trouble() == ""


def test_refusal_is_trouble_at_once_and_until_data_comes(clock: Clock) -> None:
    feed = Feed("websocket", 15, clock)

    feed.refused("subscription refused: Blocked!")
    assert feed.trouble() == "websocket: subscription refused: Blocked!"

    feed.received()
    assert feed.trouble() == ""


def test_feed_is_settled_once_it_brought_data_or_is_known_to_be_in_trouble(clock: Clock) -> None:
    seeing, blind = Feed("websocket", 15, clock), Feed("exchangeInfo", 15, clock)
    assert not seeing.is_known()

    seeing.received()
    clock.now += 16

    assert seeing.is_known()
    assert blind.is_known()


def test_service_is_degraded_while_one_feed_is_blind_and_in_error_while_all_are(clock: Clock) -> None:
    first, second = Feed("websocket", 15, clock), Feed("exchangeInfo", 60, clock)
    assert health_of([first, second]) == (HealthStatus.RUNNING, "")

    clock.now += 16
    assert health_of([first, second]) == (HealthStatus.DEGRADED, "websocket: no data yet")

    clock.now += 60
    assert health_of([first, second]) == (
        HealthStatus.ERROR,
        "websocket: no data yet; exchangeInfo: no data yet",
    )


def test_optional_feed_tells_its_trouble_and_the_service_is_well_without_it(clock: Clock) -> None:
    feed, calendar = Feed("websocket", 60, clock), Feed("calendar", 0, clock, optional=True)
    calendar.lost("HTTP 403")
    clock.now += 1

    assert health_of([feed, calendar]) == (HealthStatus.RUNNING, "calendar: no data yet (HTTP 403)")


def test_optional_feed_that_sees_does_not_make_blind_ones_good(clock: Clock) -> None:
    feed, calendar = Feed("websocket", 15, clock), Feed("calendar", 3600, clock, optional=True)
    clock.now += 16
    calendar.received()

    assert health_of([feed, calendar])[0] is HealthStatus.ERROR


def test_service_does_not_wait_for_an_optional_feed(clock: Clock) -> None:
    feeds = FeedHealth(Feed("calendar", 3600, clock, optional=True))
    feed = feeds.add(Feed("websocket", 15, clock))
    assert not feeds.are_known()

    feed.received()

    assert feeds.are_known()


def test_warning_degrades_the_service_while_it_lasts(clock: Clock) -> None:
    warning = "REST: banned"
    feeds = FeedHealth(Feed("websocket", 15, clock))
    feeds.add_warning(lambda: warning)
    assert feeds.health() == (HealthStatus.DEGRADED, "REST: banned")

    warning = ""

    assert feeds.health() == (HealthStatus.RUNNING, "")


def test_feed_beside_the_others_degrades_the_service_and_neither_hides_nor_delays_what_they_tell(clock: Clock) -> None:
    feeds = FeedHealth()
    trades = feeds.add_secondary(Feed("trades", 15, clock))
    websocket = feeds.add(Feed("websocket", 15, clock))
    assert not feeds.are_known()
    websocket.received()
    assert feeds.are_known()

    clock.now += 16
    websocket.received()
    assert feeds.health() == (HealthStatus.DEGRADED, "trades: no data yet")

    clock.now += 16
    trades.received()
    assert feeds.health()[0] is HealthStatus.ERROR


def test_age_of_the_data_of_every_feed_is_a_metric(clock: Clock) -> None:
    registry, feeds = CollectorRegistry(), FeedHealth()
    Metrics(registry, feeds)
    feeds.add(Feed("websocket", 15, clock)).received()
    clock.now += 7
    feeds.add(Feed("calendar", 15, clock, optional=True))
    feeds.add_secondary(Feed("trades", 15, clock))
    clock.now += 1

    ages = {
        feed.name: registry.get_sample_value("sniper_ingest_data_age_seconds", {"feed": feed.name}) for feed in feeds
    }

    assert ages == {"websocket": 8, "calendar": 1, "trades": 1}


def test_age_of_data_is_not_a_number_while_the_feeds_are_suspended(clock: Clock) -> None:
    registry, feeds = CollectorRegistry(), FeedHealth()
    Metrics(registry, feeds)
    feeds.add(Feed("websocket", 15, clock)).received()
    pause = "stands by: another process watches"
    feeds.suspend_while(lambda: pause)
    clock.now += 3600
    age = partial(registry.get_sample_value, "sniper_ingest_data_age_seconds", {"feed": "websocket"})
    assert math.isnan(age() or 0)

    pause = ""
    feeds.restart()
    clock.now += 2

    assert age() == 2
