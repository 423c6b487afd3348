from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.decisions.limits import MassListing
from shared.events import ListingKey
from tests.support.data.builders import NOON
from tests.support.data.strategies import steady


def at(*seconds: float) -> list[datetime]:
    return [NOON + timedelta(seconds=each) for each in seconds]


def counted(per_minute_max: int, moments: list[datetime]) -> list[bool]:
    mass = MassListing(per_minute_max)
    return [mass.counts_too_many(key(index), moment) for index, moment in enumerate(moments)]


def key(index: int) -> ListingKey:
    return ListingKey(f"ABC{index}USDT:1")


def test_as_many_as_are_plausible_within_a_minute_are() -> None:
    assert counted(3, at(0, 1, 2)) == [False, False, False]


def test_one_more_within_the_minute_is_too_many() -> None:
    assert counted(3, at(0, 1, 2, 59.999))[-1]


def test_after_a_minute_one_more_is_plausible_again() -> None:
    assert not counted(3, at(0, 1, 2, 60))[-1]


def test_it_stays_too_many_while_they_keep_coming() -> None:
    assert counted(2, at(0, 0, 1, 2, 3)) == [False, False, True, True, True]


def test_what_came_from_the_future_does_not_keep_what_is_long_past() -> None:
    assert counted(2, at(3600, *range(0, 1200, 120)))[-1] is False


def test_a_clock_that_steps_back_hides_none() -> None:
    assert counted(2, at(0, 0, -3600))[-1]


@steady
@given(gaps=st.lists(st.floats(0, 40), max_size=30), allowed=st.integers(1, 5))
def test_too_many_is_more_than_allowed_in_any_minute(gaps: list[float], allowed: int) -> None:
    moments, moment = [], NOON
    for gap in gaps:
        moment += timedelta(seconds=gap)
        moments.append(moment)

    expected = [
        sum(now - timedelta(minutes=1) < earlier for earlier in moments[: index + 1]) > allowed
        for index, now in enumerate(moments)
    ]

    assert counted(allowed, moments) == expected


def test_a_listing_counts_once_however_often_it_is_told() -> None:
    mass = MassListing(1)

    assert [mass.counts_too_many(key(0), moment) for moment in at(0, 1, 2)] == [False, False, False]
    assert mass.counts_too_many(key(1), NOON + timedelta(seconds=3))


def test_a_listing_counts_from_when_it_was_first_told() -> None:
    mass = MassListing(1)
    for moment in at(0, 59):
        mass.counts_too_many(key(0), moment)

    assert not mass.counts_too_many(key(1), NOON + timedelta(seconds=60))


@pytest.mark.parametrize("per_minute_max", [1, 20])
def test_it_remembers_no_more_than_it_needs(per_minute_max: int) -> None:
    mass = MassListing(per_minute_max)
    for hour in range(1000):
        mass.counts_too_many(key(hour), NOON + timedelta(hours=hour))

    assert len(mass._latest) <= per_minute_max
