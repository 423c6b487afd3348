"""Requests that the rate limit admits, whatever happens to them on their way."""

import math
from bisect import bisect_right

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.budget.rate_limit import Limits, RateLimit
from shared.mexc.errors import RateLimited

LIMITS = Limits(weight=30, weight_seconds=10, requests=5, requests_seconds=1)
ENDED = 10.03  # a window, and the grace for a clock that is not ours


def spent(rate_limit: RateLimit, weight: int, *, at: float, answered_at: float | None = None) -> None:
    """A request sent *at* a time, and answered at once unless given otherwise."""
    rate_limit.begin(weight)
    rate_limit.end(weight, at if answered_at is None else answered_at)


def test_weight_is_free_until_the_limit_is_used_up() -> None:
    rate_limit = RateLimit(LIMITS)
    spent(rate_limit, 25, at=100)

    assert rate_limit.opens_at(5, 100) == 100
    assert rate_limit.opens_at(6, 100) == pytest.approx(110, abs=0.05)


def test_weight_comes_free_as_the_oldest_requests_leave_the_window() -> None:
    rate_limit = RateLimit(LIMITS)
    spent(rate_limit, 20, at=100)
    spent(rate_limit, 10, at=104)

    assert rate_limit.opens_at(20, 105) == pytest.approx(110, abs=0.05)
    assert rate_limit.opens_at(21, 105) == pytest.approx(114, abs=0.05)
    assert rate_limit.opens_at(30, 104 + ENDED) == 104 + ENDED


def test_light_requests_are_limited_by_their_number() -> None:
    rate_limit = RateLimit(LIMITS)
    for _ in range(5):
        spent(rate_limit, 1, at=100)

    assert rate_limit.opens_at(1, 100.5) == pytest.approx(101, abs=0.05)


def test_request_counts_from_its_sending_until_a_window_after_its_answer() -> None:
    rate_limit = RateLimit(LIMITS)
    rate_limit.begin(30)
    assert rate_limit.opens_at(1, 500) == math.inf

    rate_limit.end(30, 500)

    assert rate_limit.opens_at(1, 505) == pytest.approx(510, abs=0.05)


def test_request_that_was_not_sent_after_all_costs_nothing() -> None:
    rate_limit = RateLimit(LIMITS)
    rate_limit.begin(30)

    rate_limit.take_back(30)

    assert rate_limit.opens_at(30, 100) == 100


@pytest.mark.parametrize("banned", [False, True])
def test_refusal_closes_for_the_time_it_names(banned: bool) -> None:
    rate_limit = RateLimit(LIMITS)

    rate_limit.refuse(RateLimited(7, banned=banned), 100)

    assert rate_limit.opens_at(1, 101) == 107


def test_refusal_never_shortens_an_earlier_one() -> None:
    rate_limit = RateLimit(LIMITS)
    rate_limit.refuse(RateLimited(600, banned=True), 100)

    rate_limit.refuse(RateLimited(1), 101)

    assert rate_limit.opens_at(1, 102) == 700


def test_ban_that_names_no_time_closes_for_longer_than_a_limit_that_names_none() -> None:
    limited, banned = RateLimit(LIMITS), RateLimit(LIMITS)

    limited.refuse(RateLimited(), 0)
    banned.refuse(RateLimited(banned=True), 0)

    assert (limited.closed_until, banned.closed_until) == (10, 120)


def test_unnamed_times_double_until_the_exchange_answers_again() -> None:
    rate_limit, now, waits = RateLimit(LIMITS), 0.0, []
    for _ in range(9):
        until = rate_limit.refuse(RateLimited(), now)
        waits.append(until - now)
        now = until
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600, 600]

    rate_limit.succeeded()

    assert rate_limit.refuse(RateLimited(), now) == now + 10


def test_requests_refused_together_count_as_one_refusal() -> None:
    rate_limit = RateLimit(LIMITS)
    for _ in range(3):
        rate_limit.refuse(RateLimited(), 0)

    assert rate_limit.closed_until == 10


@given(
    st.lists(
        st.tuples(
            st.integers(1, 30),  # weight
            st.floats(0, 2),  # seconds until a caller wants to send it
            st.floats(0, 3),  # seconds until it arrives
            st.floats(0, 3),  # seconds from there until its answer
        ),
        max_size=80,
    )
)
def test_exchange_never_counts_more_than_it_allows_however_slow_the_way(
    requests: list[tuple[int, float, float, float]],
) -> None:
    rate_limit, now = RateLimit(LIMITS), 0.0
    under_way: list[tuple[float, int]] = []
    arrivals: list[tuple[float, int]] = []
    for weight, pause, there, back in requests:
        now += pause
        while True:
            for ended_at, ended in sorted(each for each in under_way if each[0] <= now):
                rate_limit.end(ended, ended_at)
            under_way = [each for each in under_way if each[0] > now]
            opens_at = rate_limit.opens_at(weight, now)
            if opens_at <= now:
                break
            now = min([opens_at, *(ended_at for ended_at, _ in under_way)])
        rate_limit.begin(weight)
        arrivals.append((now + there, weight))
        under_way.append((now + there + back, weight))

    assert _most(arrivals, seconds=10) <= 30
    assert _most([(at, 1) for at, _ in arrivals], seconds=1) <= 5


def _most(arrivals: list[tuple[float, int]], *, seconds: float) -> int:
    """The most that arrived within any such time."""
    arrivals = sorted(arrivals)
    times = [at for at, _ in arrivals]
    sums = (
        sum(amount for _, amount in arrivals[bisect_right(times, at - seconds) : position + 1])
        for position, at in enumerate(times)
    )
    return max(sums, default=0)
