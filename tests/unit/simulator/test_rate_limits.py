"""Rate limits: a shared weight, requests and orders per second, and the ban."""

from simulator.rate_limits import RateLimiter, RateLimits
from tests.support.data.markets import NOW_MS

LIMITS = RateLimits(
    weight_per_10_seconds=100, requests_per_second=5, orders_per_second=2, ban_after_refusals=3, ban_ms=60_000
)


def status(limiter: RateLimiter, now_ms: int, *, weight: int = 1, caller: str = "key", is_order: bool = False) -> int:
    limited = limiter.admit(caller, weight, now_ms, is_order=is_order)
    return limited.response.http_status if limited else 200


def test_weight_is_free_again_ten_seconds_after_it_was_used() -> None:
    limiter = RateLimiter(LIMITS)

    answers = [status(limiter, NOW_MS + at, weight=50) for at in (0, 2_000, 9_999, 10_000, 11_999, 12_000)]

    assert answers == [200, 200, 429, 200, 429, 200]


def test_requests_and_orders_have_limits_of_their_own() -> None:
    limiter = RateLimiter(LIMITS)

    orders = [status(limiter, NOW_MS, is_order=True) for _ in range(3)]
    others = [status(limiter, NOW_MS) for _ in range(4)]

    assert orders == [200, 200, 429]
    assert others == [200, 200, 200, 429]


def test_retry_after_is_the_time_until_the_request_fits() -> None:
    limiter = RateLimiter(LIMITS)
    limiter.admit("key", 40, NOW_MS, is_order=False)
    limiter.admit("key", 60, NOW_MS + 4_000, is_order=False)

    limited = limiter.admit("key", 41, NOW_MS + 5_000, is_order=False)

    assert limited is not None
    assert limited.retry_after_seconds == 9


def test_callers_do_not_share_their_limits() -> None:
    limiter = RateLimiter(LIMITS)

    assert [status(limiter, NOW_MS, weight=100, caller=name) for name in ("a", "b", "a")] == [200, 200, 429]


def test_going_on_after_429_ends_in_a_ban_that_runs_out() -> None:
    limiter = RateLimiter(LIMITS)

    answers = [status(limiter, NOW_MS + at, weight=100) for at in (0, 1, 2, 3, 30_000, 60_003)]

    assert answers == [200, 429, 429, 418, 418, 200]


def test_refusals_far_apart_do_not_ban() -> None:
    limiter = RateLimiter(LIMITS)

    answers = [status(limiter, NOW_MS + minute * 61_000 + at, weight=100) for minute in range(4) for at in (0, 1)]

    assert answers == [200, 429] * 4
