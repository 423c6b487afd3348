from datetime import timedelta

import pytest
from prometheus_client import CollectorRegistry

from dedup.race import RUNNING_MAX, Race
from shared.events import ListingKey, Source
from tests.builders import NOON, a_listing, a_raw_listing

ABC = ListingKey("ABCUSDT:1")
BY_REST = a_raw_listing(source=Source.MEXC_REST_API, observed_at=NOON + timedelta(seconds=3))


class Measured:
    """A race over the websocket's lead, and what came of it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.race = Race(self.registry)
        self.race.start(a_listing(observed_at=NOON))

    def __getattr__(self, what: str) -> float | None:
        labels = {"first": "mexc_websocket", "second": "mexc_rest_api"}
        return self.registry.get_sample_value(f"sniper_dedup_lead_seconds_{what}", labels)


def test_the_lead_is_the_time_between_the_two_observations() -> None:
    measured = Measured()
    measured.race.finish(ABC, BY_REST)

    assert measured.sum == pytest.approx(3.0)


def test_each_listing_is_measured_once() -> None:
    measured = Measured()
    measured.race.finish(ABC, BY_REST)
    measured.race.finish(ABC, BY_REST)

    assert measured.count == 1


def test_a_source_does_not_race_itself() -> None:
    measured = Measured()
    measured.race.finish(ABC, a_raw_listing(source=Source.MEXC_WEBSOCKET, observed_at=NOON + timedelta(seconds=1)))
    measured.race.finish(ABC, BY_REST)

    assert measured.sum == pytest.approx(3.0)


def test_clocks_that_disagree_measure_as_no_lead() -> None:
    measured = Measured()
    measured.race.finish(ABC, a_raw_listing(source=Source.MEXC_REST_API, observed_at=NOON - timedelta(seconds=1)))

    assert measured.sum == 0


def test_old_races_are_given_up() -> None:
    measured = Measured()
    for number in range(RUNNING_MAX):
        measured.race.start(a_listing(symbol=f"COIN{number}"))
    measured.race.finish(ABC, BY_REST)

    assert measured.count is None
