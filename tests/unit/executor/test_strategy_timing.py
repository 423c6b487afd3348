from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from executor.decisions.strategy import Buy, WaitForOpening
from executor.model.reasons import Reason, Refusal
from tests.support.data.builders import NOON, a_listing
from tests.support.data.decisions import LATER, NOW, ahead, decided, fired, reason_of


def test_a_listing_at_the_age_limit_is_bought() -> None:
    assert isinstance(decided(a_listing(), now=NOON + timedelta(seconds=60)), Buy)


def test_an_older_listing_is_stale() -> None:
    just_over = NOON + timedelta(seconds=60, milliseconds=2)

    assert decided(a_listing(), now=just_over) == Refusal(Reason.STALE_LISTING, "60.0 s old")


def test_the_age_limit_can_be_set() -> None:
    now = NOON + timedelta(seconds=6)

    assert decided(a_listing(), now=now, listing_age_seconds=5) == Refusal(Reason.STALE_LISTING, "6.0 s old")


def test_an_old_listing_injected_only_now_is_stale() -> None:
    listing = a_listing(source="test_injection", listed_at=NOON - timedelta(hours=1), observed_at=NOON)

    assert reason_of(decided(listing)) is Reason.STALE_LISTING


@pytest.mark.parametrize("source", ["mexc_websocket", "mexc_rest_api", "test_injection"])
def test_an_old_sighting_is_stale_whatever_the_listing_time_says(source: str) -> None:
    listing = a_listing(source=source, listed_at=NOON, observed_at=NOON - timedelta(hours=1))

    assert reason_of(decided(listing)) is Reason.STALE_LISTING


@pytest.mark.parametrize("source", ["mexc_websocket", "mexc_rest_api"])
def test_a_sighting_is_as_old_as_its_source_says_however_far_behind_the_clock_of_another_machine_is(
    source: str,
) -> None:
    """Dedup sets what was listed ahead of its own clock to its own now."""
    listing = a_listing(source=source, listed_at=NOON - timedelta(seconds=90), observed_at=NOON)

    assert isinstance(decided(listing, now=NOON + timedelta(seconds=60)), Buy)
    assert decided(listing, now=NOON + timedelta(seconds=61)) == Refusal(Reason.STALE_LISTING, "61.0 s old")


def test_a_late_listing_is_stale() -> None:
    assert decided(a_listing(late=True)) == Refusal(Reason.STALE_LISTING, "it appeared while no source watched")


@pytest.mark.parametrize("late", [True, False])
def test_where_the_opening_is_known_the_age_alone_decides_however_late_the_symbol_appeared(late: bool) -> None:
    opened = a_listing(late=late, opens_at=NOON - timedelta(seconds=200))

    assert isinstance(decided(opened, now=NOON, listing_age_seconds=300), Buy)
    assert decided(opened, now=NOON) == Refusal(Reason.STALE_LISTING, "200.0 s old")


def test_a_listing_from_the_future_has_no_known_age() -> None:
    future = {"listed_at": NOW + timedelta(seconds=2.001), "observed_at": NOW + timedelta(seconds=2.001)}
    expected = Refusal(Reason.STALE_LISTING, "it is from the future")

    assert decided(a_listing(**future)) == expected
    assert decided(ahead(**future)) == expected


def test_a_clock_slightly_ahead_of_ours_does_no_harm() -> None:
    slightly = NOW + timedelta(seconds=2)

    assert isinstance(decided(a_listing(listed_at=slightly, observed_at=slightly)), Buy)


@pytest.mark.parametrize("late", [True, False])
def test_a_listing_that_opens_later_is_waited_for_however_long_ago_it_was_announced(late: bool) -> None:
    assert decided(ahead(late=late)) == WaitForOpening(LATER)


def test_an_announced_listing_ages_from_its_opening() -> None:
    announced = ahead(opens_at=NOON)

    assert isinstance(decided(announced, now=NOON + timedelta(seconds=60)), Buy)
    assert decided(announced, now=NOON + timedelta(seconds=61)) == Refusal(Reason.STALE_LISTING, "61.0 s old")


@pytest.mark.parametrize("offset_seconds", [-60, 0, 1])
def test_a_listing_that_is_open_or_about_to_be_is_bought(offset_seconds: int) -> None:
    assert isinstance(decided(a_listing(opens_at=NOW + timedelta(seconds=offset_seconds))), Buy)


@pytest.mark.parametrize("age", [timedelta(seconds=61), timedelta(hours=1), timedelta(days=730)])
def test_a_symbol_that_appears_long_after_its_opening_is_stale(age: timedelta) -> None:
    expected = Refusal(Reason.STALE_LISTING, f"{age.total_seconds():.1f} s old")

    assert decided(a_listing(opens_at=NOW - age)) == expected


def test_how_soon_counts_as_open_can_be_set() -> None:
    opens_at = NOW + timedelta(seconds=1, milliseconds=1)

    assert decided(a_listing(opens_at=opens_at)) == WaitForOpening(opens_at)
    assert isinstance(decided(a_listing(opens_at=opens_at), opening_tolerance_seconds=2), Buy)


def test_an_opening_beyond_the_horizon_is_not_waited_for() -> None:
    far = NOW + timedelta(hours=3)

    assert decided(ahead(opens_at=far), opening_horizon_hours=3) == WaitForOpening(far)
    assert decided(ahead(opens_at=far), opening_horizon_hours=2.999) == Refusal(
        Reason.OPENING_TOO_FAR, "2026-03-02T15:00:01+00:00"
    )


def test_what_was_waited_for_is_bought_when_its_moment_comes() -> None:
    assert fired(ahead(), now=LATER, order_usdt="12.50") == Buy(Decimal("13.13"))


@pytest.mark.parametrize("age_max", [1, 60])
@pytest.mark.parametrize("tolerance", [0, 1, 5])
def test_what_was_waited_for_is_bought_for_as_long_as_any_other_listing_is(age_max: float, tolerance: float) -> None:
    settings: dict[str, Any] = {"listing_age_seconds": age_max, "opening_tolerance_seconds": tolerance}
    fresh = LATER + timedelta(seconds=age_max)
    late = fresh + timedelta(milliseconds=1)

    for decide_on, too_late in ((fired, Reason.OPENING_PASSED), (decided, Reason.STALE_LISTING)):
        assert isinstance(decide_on(ahead(), now=fresh, **settings), Buy)
        assert reason_of(decide_on(ahead(), now=late, **settings)) is too_late


def test_how_long_ago_its_moment_passed_is_told() -> None:
    assert fired(ahead(), now=LATER + timedelta(seconds=67)) == Refusal(Reason.OPENING_PASSED, "67.0 s ago")


@pytest.mark.parametrize(("age", "expected"), [(60, None), (61, Reason.OPENING_PASSED)])
def test_what_was_cut_short_and_opens_nobody_knows_when_is_fresh_for_as_long_as_any_other_listing(
    age: float, expected: Reason | None
) -> None:
    decision = fired(a_listing(), now=NOON + timedelta(seconds=age))

    assert isinstance(decision, Buy) if expected is None else reason_of(decision) is expected
