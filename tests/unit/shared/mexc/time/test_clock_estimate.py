"""Estimate of the exchange's clock from a few answers, and when they are not enough."""

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.mexc.time.clock_estimate import ClockEstimate, ClockSample, TrustLimits, estimate_of, preferred

TRUST = TrustLimits(uncertainty_ms_max=400, age_seconds_max=300)


def a_sample(*, ahead_ms: int = 5000, there: float = 0.01, back: float = 0.01, asked_at: float = 100.0) -> ClockSample:
    """A question that takes *there* seconds to arrive, and its answer *back* seconds to return."""
    return ClockSample(asked_at, asked_at + there + back, int((asked_at + there) * 1000) + ahead_ms)


def estimated(*samples: ClockSample) -> ClockEstimate:
    estimate = estimate_of(samples)
    assert estimate is not None
    return estimate


def test_time_of_stamps_is_neither_early_nor_late_on_average() -> None:
    asked = [100 + thousandths / 1_000_000 for thousandths in range(1000)]
    leads = [estimated(*[a_sample(there=0, back=0, asked_at=at)] * 3).likely_ahead_seconds for at in asked]

    assert statistics.mean(leads) == pytest.approx(5, abs=0.000_01)


def test_offset_is_measured_from_the_middle_of_the_way() -> None:
    estimate = estimated(*[a_sample(ahead_ms=-5000)] * 5)

    assert estimate.ahead_ms == pytest.approx(-5000, abs=1)
    assert estimate.uncertainty_ms == pytest.approx(11, abs=0.1)
    assert estimate.now_ms(200.0) == pytest.approx(195_000, abs=1)


def test_one_slow_answer_of_five_is_outvoted() -> None:
    estimate = estimated(*[a_sample()] * 4, a_sample(back=3))

    assert estimate.ahead_ms == pytest.approx(5000, abs=2)
    assert TRUST.objection(estimate, 100) == ""


def test_two_wrong_answers_of_five_are_outvoted() -> None:
    estimate = estimated(*[a_sample()] * 3, a_sample(ahead_ms=3_600_000), a_sample(ahead_ms=-9_000))

    assert estimate.ahead_ms == pytest.approx(5000, abs=2)
    assert TRUST.objection(estimate, 100) == ""


def test_answers_that_are_all_slow_one_way_leave_the_time_uncertain() -> None:
    estimate = estimated(*[a_sample(back=3)] * 5)

    assert TRUST.objection(estimate, 106) == "the exchange's time is uncertain by 1506 ms"


def test_answers_that_disagree_leave_the_time_uncertain() -> None:
    estimate = estimated(*[a_sample(ahead_ms=ahead) for ahead in (0, 4_000, 8_000, 12_000, 16_000)])

    assert "uncertain by 4000 ms" in TRUST.objection(estimate, 100)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_answers_tell_nothing(count: int) -> None:
    assert estimate_of([a_sample()] * count) is None
    assert TRUST.objection(None, 100) == "the exchange has not told its time"


def test_old_answer_is_not_signed_by() -> None:
    estimate = ClockEstimate(5000, 10, made_at=100)

    assert TRUST.objection(estimate, 400) == ""
    assert TRUST.objection(estimate, 401) == "the exchange told its time 301 s ago"


def test_uncertain_answer_replaces_a_certain_one_only_when_that_is_too_old() -> None:
    certain, uncertain = ClockEstimate(5000, 10, made_at=100), ClockEstimate(3000, 1500, made_at=130)

    assert preferred(certain, uncertain, TRUST, 130) is certain
    assert preferred(certain, uncertain, TRUST, 500) is uncertain
    assert preferred(None, uncertain, TRUST, 130) is uncertain


def test_newer_certain_answer_wins_however_far_it_moves() -> None:
    before, after = ClockEstimate(5000, 10, made_at=100), ClockEstimate(-60_000, 20, made_at=130)

    assert preferred(before, after, TRUST, 130) is after
    assert preferred(before, None, TRUST, 130) is before


SECONDS = st.floats(0, 5)


@given(st.integers(-(10**9), 10**9), st.lists(st.tuples(SECONDS, SECONDS), min_size=3, max_size=9))
def test_true_time_is_never_further_off_than_told(ahead_ms: int, ways: list[tuple[float, float]]) -> None:
    estimate = estimated(*[a_sample(ahead_ms=ahead_ms, there=there, back=back) for there, back in ways])

    assert abs(estimate.ahead_ms - ahead_ms) <= estimate.uncertainty_ms + 0.001
