"""The accounting: never more than the limit in any window, and a reserve is always there."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.rate_limits.rate_budget import EXITS_FIRST_SECONDS, RateBudget, RateLimits
from executor.rate_limits.sliding_window import MARGIN_SECONDS, Priority, SlidingWindow
from shared.mexc.weights import ORDER, Cost, Pool, cost_of

RESERVES = {Priority.EXIT: 6, Priority.PURCHASE: 4}
TRADES = cost_of("GET", "/api/v3/myTrades")
BALANCES = cost_of("GET", "/api/v3/account")
LOOK_UP = cost_of("GET", "/api/v3/order")

steps = st.lists(
    st.tuples(
        st.sampled_from(Priority),
        st.integers(1, 12),
        st.floats(0, 4, allow_nan=False),
        st.floats(0, 3, allow_nan=False),
    ),
    max_size=60,
)


@given(steps)
def test_no_window_ever_holds_more_than_the_limit_wherever_it_begins(
    asked: list[tuple[Priority, int, float, float]],
) -> None:
    window, now, taken = SlidingWindow(20, 10, RESERVES), 100.0, list[tuple[float, int]]()
    for priority, amount, gap, _ in asked:
        now += gap
        if window.fits_at(priority, amount, now) <= now:
            window.begin(priority, amount)
            window.end(priority, amount, now)
            taken.append((now, amount))

    for start, _ in taken:
        assert sum(amount for at, amount in taken if start <= at < start + 10) <= 20


@given(steps)
def test_whoever_stays_within_its_reserve_always_fits(asked: list[tuple[Priority, int, float, float]]) -> None:
    window, now = SlidingWindow(20, 10, RESERVES), 100.0
    for priority, amount, gap, answered_after in asked:
        now += gap
        for each, reserve in RESERVES.items():
            left = reserve - window.used_by(each, now)
            assert left <= 0 or window.fits_at(each, left, now) == now
        if window.fits_at(priority, amount, now) <= now:
            window.begin(priority, amount)
            window.end(priority, amount, now + answered_after)


@given(st.lists(st.tuples(st.sampled_from(Priority), st.integers(0, 400)), max_size=12))
def test_a_reserve_is_there_whatever_is_assumed_to_have_been_used_before(before: list[tuple[Priority, int]]) -> None:
    budget = RateBudget(RateLimits())
    for priority, weight in before:
        budget.assume(Pool.KEY, priority, weight, 100.0)

    assert budget.weight_used(Pool.KEY, 100.0) <= RateLimits().key_weight
    if budget.used_by(Pool.KEY, Priority.EXIT, 100.0) + BALANCES.weight <= RateLimits().key_weight // 5:
        assert budget.opens_at(Priority.EXIT, BALANCES, 100.0) == 100.0


@given(steps)
def test_what_fits_at_a_later_moment_fits_then_and_not_before(
    asked: list[tuple[Priority, int, float, float]],
) -> None:
    window, now = SlidingWindow(20, 10, RESERVES), 100.0
    for priority, amount, gap, _ in asked:
        now += gap
        fits_at = window.fits_at(priority, amount, now)
        if amount > window.most(priority):
            assert fits_at == math.inf
            continue
        if fits_at > now:
            assert window.fits_at(priority, amount, math.nextafter(fits_at, 0)) == fits_at
            now = fits_at
        assert window.fits_at(priority, amount, now) == now
        window.begin(priority, amount)
        window.end(priority, amount, now)


LENDING = {Priority.EXIT: 2, Priority.WATCH: 8, Priority.PURCHASE: 4}


def a_lending_window() -> SlidingWindow:
    return SlidingWindow(20, 10, LENDING, borrower=Priority.EXIT, lender=Priority.PURCHASE)


@given(steps)
def test_a_window_that_lends_a_reserve_never_holds_more_than_the_limit_and_its_borrower_may_take_what_is_unused(
    asked: list[tuple[Priority, int, float, float]],
) -> None:
    window, now, taken = a_lending_window(), 100.0, list[tuple[float, int]]()
    for priority, amount, gap, _ in asked:
        now += gap
        watched = max(LENDING[Priority.WATCH], window.used_by(Priority.WATCH, now))
        left = 20 - watched - window.used(now) + window.used_by(Priority.WATCH, now)
        assert left <= 0 or window.fits_at(Priority.EXIT, left, now) == now
        if window.fits_at(priority, amount, now) <= now:
            window.begin(priority, amount)
            window.end(priority, amount, now)
            taken.append((now, amount))

    for start, _ in taken:
        assert sum(amount for at, amount in taken if start <= at < start + 10) <= 20


@given(steps)
def test_who_stays_within_a_reserve_always_fits_but_the_lender_where_the_borrower_took_more_than_its_own(
    asked: list[tuple[Priority, int, float, float]],
) -> None:
    window, now = a_lending_window(), 100.0
    for priority, amount, gap, _ in asked:
        now += gap
        for each, reserve in LENDING.items():
            left = reserve - window.used_by(each, now)
            is_lent = each is Priority.PURCHASE and window.used_by(Priority.EXIT, now) > LENDING[Priority.EXIT]
            assert left <= 0 or is_lent or window.fits_at(each, left, now) == now
        assert not window.is_reserved(Priority.PURCHASE, 1, now, waiting=Priority.EXIT)
        if window.fits_at(priority, amount, now) <= now:
            window.begin(priority, amount)
            window.end(priority, amount, now)


def test_what_is_under_way_counts_until_a_window_after_its_answer() -> None:
    window = SlidingWindow(10, 10, {})
    window.begin(Priority.EXIT, 10)
    assert window.fits_at(Priority.EXIT, 1, 1000) == math.inf

    window.end(Priority.EXIT, 10, 1000)

    assert window.fits_at(Priority.EXIT, 1, 1001) == pytest.approx(1010, abs=0.05)


def test_more_cannot_be_reserved_than_there_is() -> None:
    with pytest.raises(ValueError, match="reserved"):
        SlidingWindow(9, 10, RESERVES)


def spent(budget: RateBudget, priority: Priority, cost: Cost, now: float, *, most: float = math.inf) -> int:
    """Ask for as much as fits, *most* times at the most; return how often that was."""
    count = 0
    while count < most and budget.opens_at(priority, cost, now) <= now:
        budget.begin(priority, cost, now)
        budget.end(priority, cost, now)
        count += 1
    return count


def test_lookups_never_take_what_exits_and_purchases_need() -> None:
    budget = RateBudget(RateLimits(key_requests=10_000))
    for priority in (Priority.PURCHASE_LOOKUP, Priority.SALE_LOOKUP, Priority.OTHER):
        spent(budget, priority, TRADES, 100)

    assert spent(budget, Priority.EXIT, BALANCES, 100) >= 6
    assert spent(budget, Priority.PURCHASE, ORDER, 100) >= 10


def test_lookups_of_the_first_sales_of_a_second_hold_up_none_of_the_others() -> None:
    budget = RateBudget(RateLimits())

    assert spent(budget, Priority.EXIT, ORDER, 100, most=6) == 6
    spent(budget, Priority.SALE_LOOKUP, LOOK_UP, 100)
    assert spent(budget, Priority.EXIT, ORDER, 100) == 4


BOOK, TOPS, RULES = (cost_of("GET", f"/api/v3/{path}") for path in ("depth", "ticker/bookTicker", "exchangeInfo"))


def test_looks_leave_room_for_the_rules_of_a_sale_and_of_a_purchase() -> None:
    budget = RateBudget(RateLimits(address_requests=10_000))

    assert spent(budget, Priority.WATCH, TOPS, 100) == 8
    assert spent(budget, Priority.EXIT, RULES, 100) == 1
    assert budget.opens_at(Priority.PURCHASE, BOOK, 100) == 100
    assert spent(budget, Priority.PURCHASE, RULES, 120) == 2
    assert spent(budget, Priority.WATCH, BOOK, 120) == 18


def test_purchases_leave_two_orders_a_second_to_exits_and_exits_as_many_to_purchases() -> None:
    budget = RateBudget(RateLimits())

    assert spent(budget, Priority.PURCHASE, ORDER, 100) == 10
    assert spent(budget, Priority.EXIT, ORDER, 100) == 2
    assert spent(budget, Priority.EXIT, ORDER, 101.1) == 10
    assert spent(budget, Priority.PURCHASE, ORDER, 101.1) == 2


@pytest.mark.parametrize("first", [60, 61, 66, 72, 120, 300])
@pytest.mark.parametrize("requests", [4, 6, 20])
def test_every_request_is_possible_with_the_least_that_can_be_set(first: int, requests: int) -> None:
    limits = RateLimits(first, requests, first, requests, orders=1)
    budget = RateBudget(limits)
    rules, book = cost_of("GET", "/api/v3/exchangeInfo"), cost_of("GET", "/api/v3/depth")

    for priority, cost in (
        (Priority.EXIT, rules),
        (Priority.PURCHASE, rules),
        (Priority.OTHER, rules),
        (Priority.EXIT, book),
        (Priority.WATCH, book),
        (Priority.WATCH, TOPS),
        (Priority.EXIT, ORDER),
        (Priority.PURCHASE, ORDER),
        *((each, TRADES) for each in Priority if each is not Priority.PURCHASE),
    ):
        assert budget.is_possible(priority, cost), (priority, cost)


def test_after_a_quiet_exits_and_purchases_go_before_lookups() -> None:
    budget = RateBudget(RateLimits())
    budget.refuse(5, 100, banned=False)

    opens = {each: budget.opens_at(each, BALANCES, 100) for each in Priority}

    assert (
        opens[Priority.EXIT] == opens[Priority.WATCH] == opens[Priority.PURCHASE] == opens[Priority.SALE_LOOKUP] == 105
    )
    assert opens[Priority.PURCHASE_LOOKUP] == opens[Priority.OTHER] == 105 + EXITS_FIRST_SECONDS


def test_a_quiet_without_a_time_doubles_and_a_ban_without_one_is_long() -> None:
    budget, now = RateBudget(RateLimits()), 100.0
    waits = []
    for _ in range(3):
        budget.refuse(None, now, banned=False)
        waits.append(budget.quiet_until - now)
        now = budget.quiet_until
    assert waits == [1, 2, 4]
    assert budget.banned_until == -math.inf

    budget.succeeded()
    budget.refuse(None, now, banned=True)

    assert budget.banned_until - now == budget.quiet_until - now == 120


def test_a_shorter_quiet_does_not_end_a_longer_one() -> None:
    budget = RateBudget(RateLimits())
    budget.refuse(600, 100, banned=True)
    budget.refuse(1, 101, banned=False)

    assert budget.quiet_until == budget.banned_until == 700


def test_pools_are_apart() -> None:
    budget = RateBudget(RateLimits())
    spent(budget, Priority.PURCHASE_LOOKUP, TRADES, 100)

    assert budget.weight_used(Pool.KEY, 100) > 0
    assert budget.weight_used(Pool.ADDRESS, 100) == 0


def gaps_between_looks(beat_seconds: float, *, spread: bool) -> list[float]:
    """Look at the prices of all, in every beat, while sales and purchases take whatever they can get."""
    budget, now, looked_at = RateBudget(RateLimits(address_requests=10_000)), 100.0, list[float]()
    for _ in range(40):
        for priority in (Priority.EXIT, Priority.PURCHASE, Priority.OTHER):
            spent(budget, priority, BOOK, now)
        now = max(now, budget.opens_at(Priority.WATCH, TOPS, now))
        looked_at.append(now)
        budget.begin(Priority.WATCH, TOPS, now)
        budget.end(Priority.WATCH, TOPS, now)
        apart = budget.apart_seconds(Priority.WATCH, TOPS.pool, TOPS.weight, now) if spread else 0.0
        now += max(beat_seconds, apart)
    return [after - before for before, after in itertools.pairwise(looked_at)]


def test_looks_that_are_spread_over_what_is_left_never_have_to_wait_for_long() -> None:
    assert max(gaps_between_looks(4 / 3, spread=False)) > 4
    assert max(gaps_between_looks(4 / 3, spread=True)) < 2.6


def test_looks_are_no_further_apart_than_their_beat_where_nobody_else_asks() -> None:
    window = SlidingWindow(80, 10, {})
    for number in range(100):
        now = 100 + number * 4 / 3
        assert window.fits_at(Priority.WATCH, 10, now) == now
        window.count(Priority.WATCH, 10, now)
        assert window.apart_seconds(Priority.WATCH, 10, now) <= 4 / 3


@given(steps)
def test_whoever_waits_for_as_long_as_is_said_waits_no_longer(asked: list[tuple[Priority, int, float, float]]) -> None:
    window, now = a_lending_window(), 100.0
    for priority, amount, gap, _ in asked:
        now += gap
        if window.fits_at(priority, amount, now) <= now:
            window.count(priority, amount, now)
        apart = window.apart_seconds(Priority.WATCH, 2, now)
        assert 0 <= apart <= (10 + MARGIN_SECONDS) / 4
        assert not apart or window.fits_at(Priority.WATCH, 2, now + apart) <= now + apart


def test_what_is_under_way_holds_up_no_look_after_its_end() -> None:
    window = SlidingWindow(20, 10, {})
    window.begin(Priority.EXIT, 15)

    assert window.apart_seconds(Priority.WATCH, 10, 100) == 0
