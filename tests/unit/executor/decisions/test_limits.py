from datetime import datetime, timedelta
from decimal import ROUND_UP, Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.decisions.limits import MINUTE, Limits, LimitUsage, exceeded_limit, fits, net_of_fee, order_size
from executor.model.money import CAREFUL, CENT
from executor.model.reasons import Reason
from tests.support.data.builders import NOON, a_committed
from tests.support.data.strategies import steady

AMOUNTS = st.decimals(min_value="0.01", max_value="9999999999.99", places=2)
EXPOSURES = st.decimals(min_value=0, max_value="999999999999.99", places=2)
FEES = st.decimals(min_value=0, max_value="0.1", places=6) | st.sampled_from([Decimal("1E-30"), Decimal("1E-8")])
NOT_AMOUNTS = [Decimal(text) for text in ("NaN", "sNaN", "Infinity", "-Infinity", "0", "-1", "-0.01", "1E15", "1E999")]
ODD = st.decimals() | st.sampled_from(NOT_AMOUNTS)


def some_limits(**overrides: Any) -> Limits:
    described: dict[str, Any] = {
        "max_position_usdt": Decimal("1000.00"),
        "orders_per_minute": 3,
        "orders_per_day": 20,
        "daily_spend_usdt": Decimal("500.00"),
    }
    return Limits(**described | overrides)


def broken_by(committed: LimitUsage, size: str = "100.00", limits: Limits | None = None) -> Reason | None:
    return exceeded_limit(Decimal(size), committed, limits or some_limits(), NOON)


def seconds_ago(*seconds: float) -> list[datetime]:
    return [NOON - timedelta(seconds=each) for each in seconds]


def test_an_order_spends_the_limit_where_no_size_is_set() -> None:
    assert order_size(None, Decimal("100.00")) == Decimal("100.00")


def test_a_set_size_below_the_limit_is_kept() -> None:
    assert order_size(Decimal("25.50"), Decimal("100.00")) == Decimal("25.50")


def test_a_set_size_above_the_limit_is_capped() -> None:
    assert order_size(Decimal("250.00"), Decimal("100.00")) == Decimal("100.00")


def test_fractions_of_a_cent_are_cut_off() -> None:
    assert order_size(Decimal("99.999"), Decimal("100.00")) == Decimal("99.99")


def test_less_than_a_cent_is_no_size() -> None:
    assert order_size(Decimal("0.009"), Decimal("100.00")) is None


@pytest.mark.parametrize("broken", NOT_AMOUNTS)
def test_what_is_no_positive_number_allows_nothing(broken: Decimal) -> None:
    assert order_size(None, broken) is None
    assert order_size(broken, Decimal(100)) is None
    assert order_size(Decimal(100), broken) is None
    assert fits(broken, Decimal(0), Decimal(1000)) is False
    assert not fits(Decimal(100), Decimal(0), broken)


@pytest.mark.parametrize("broken", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-0.01")])
def test_unknown_exposure_allows_nothing(broken: Decimal) -> None:
    assert not fits(Decimal(1), broken, Decimal(1000))


def test_any_limit_that_can_be_set_is_an_amount() -> None:
    assert order_size(None, Decimal(999999999999999)) == Decimal(999999999999999)


def test_a_position_may_be_filled_to_the_cent() -> None:
    assert fits(Decimal("100.00"), Decimal("900.00"), Decimal("1000.00"))


def test_a_position_is_never_exceeded_by_a_cent() -> None:
    assert not fits(Decimal("100.00"), Decimal("900.01"), Decimal("1000.00"))


@steady
@given(order_usdt=st.none() | AMOUNTS, max_trade_usdt=AMOUNTS)
def test_a_size_is_whole_cents_and_within_both_limits(order_usdt: Decimal | None, max_trade_usdt: Decimal) -> None:
    size = order_size(order_usdt, max_trade_usdt)

    assert size is not None
    assert size == min(max_trade_usdt, order_usdt or max_trade_usdt)
    assert size % CENT == 0


@steady
@given(size=AMOUNTS, committed=EXPOSURES, max_position=AMOUNTS)
def test_what_fits_leaves_the_position_within_its_limit(
    size: Decimal, committed: Decimal, max_position: Decimal
) -> None:
    assert fits(size, committed, max_position) == (committed + size <= max_position)


@steady
@given(size=AMOUNTS, fee=FEES)
def test_the_fee_on_top_stays_within_the_size_and_leaves_less_than_a_cent_and_its_fee(
    size: Decimal, fee: Decimal
) -> None:
    amount = net_of_fee(size, fee)

    with localcontext(Context(prec=60)):
        assert amount * (1 + fee) <= size < (amount + CENT) * (1 + fee)


def test_a_fee_too_small_for_ordinary_arithmetic_still_costs_its_cent() -> None:
    assert net_of_fee(Decimal("100.00"), Decimal("1E-30")) == Decimal("99.99")


def test_what_is_too_small_to_be_added_still_counts() -> None:
    assert not fits(Decimal("1E-100"), Decimal(1000), Decimal(1000))
    assert not fits(Decimal(1000), Decimal("1E-100"), Decimal(1000))


def test_nothing_fits_into_an_exposure_beyond_its_limit() -> None:
    assert not fits(CENT, Decimal("1000.01"), Decimal("1000.00"))


def test_careful_arithmetic_rounds_down_and_has_room_for_a_long_price_times_a_long_quantity() -> None:
    price, quantity = Decimal("0." + "7" * 40), Decimal("7" * 40)

    with localcontext(CAREFUL):
        assert price * quantity / price == quantity
        assert Decimal(2) / 3 < Decimal(2).quantize(CENT) / 3 + Decimal("1E-119")
        assert (Decimal(2) / 3) * 3 < 2


def test_within_all_limits_nothing_is_exceeded() -> None:
    assert broken_by(a_committed()) is None


def test_each_limit_may_be_used_up_entirely() -> None:
    committed = a_committed(
        committed_usdt=Decimal("900.00"),
        recent_orders=seconds_ago(1, 2),
        day_orders=19,
        day_spent_usdt=Decimal("400.00"),
    )

    assert broken_by(committed) is None


@pytest.mark.parametrize(
    ("committed", "reason"),
    [
        (a_committed(committed_usdt=Decimal("900.01")), Reason.MAX_POSITION),
        (a_committed(recent_orders=seconds_ago(1, 2, 3)), Reason.ORDERS_PER_MINUTE),
        (a_committed(day_orders=20), Reason.ORDERS_PER_DAY),
        (a_committed(day_orders=21), Reason.ORDERS_PER_DAY),
        (a_committed(day_spent_usdt=Decimal("400.01")), Reason.DAILY_SPEND),
    ],
)
def test_no_limit_may_be_exceeded_by_one(committed: LimitUsage, reason: Reason) -> None:
    assert broken_by(committed) is reason


def test_an_order_counts_for_one_minute() -> None:
    assert broken_by(a_committed(recent_orders=seconds_ago(1, 2, 59.999))) is Reason.ORDERS_PER_MINUTE
    assert broken_by(a_committed(recent_orders=seconds_ago(1, 2, 60))) is None


def test_only_as_many_orders_as_are_allowed_need_be_young() -> None:
    assert broken_by(a_committed(recent_orders=seconds_ago(1, 2, 3, 100, 200))) is Reason.ORDERS_PER_MINUTE


def test_an_order_from_the_future_counts_too() -> None:
    assert broken_by(a_committed(recent_orders=seconds_ago(-3600, 1, 2))) is Reason.ORDERS_PER_MINUTE


@pytest.mark.parametrize("broken", NOT_AMOUNTS)
def test_a_limit_that_is_no_positive_number_is_exceeded(broken: Decimal) -> None:
    assert broken_by(a_committed(), limits=some_limits(max_position_usdt=broken)) is Reason.MAX_POSITION
    assert broken_by(a_committed(), limits=some_limits(daily_spend_usdt=broken)) is Reason.DAILY_SPEND
    assert broken_by(a_committed(), size=str(broken)) is Reason.MAX_POSITION


@pytest.mark.parametrize("count", [0, -1])
def test_a_limit_of_no_orders_allows_none(count: int) -> None:
    assert broken_by(a_committed(), limits=some_limits(orders_per_minute=count)) is Reason.ORDERS_PER_MINUTE
    assert broken_by(a_committed(), limits=some_limits(orders_per_day=count)) is Reason.ORDERS_PER_DAY


@pytest.mark.parametrize("broken", [Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal("-0.01")])
def test_what_was_done_so_far_must_be_known(broken: Decimal) -> None:
    assert broken_by(a_committed(committed_usdt=broken)) is Reason.MAX_POSITION
    assert broken_by(a_committed(day_spent_usdt=broken)) is Reason.DAILY_SPEND
    assert broken_by(a_committed(day_orders=-1)) is Reason.ORDERS_PER_DAY


@steady
@given(size=ODD, committed=ODD, spent=ODD, position=ODD, spend=ODD)
def test_whatever_the_numbers_only_what_provably_fits_is_allowed(
    size: Decimal, committed: Decimal, spent: Decimal, position: Decimal, spend: Decimal
) -> None:
    used = a_committed(committed_usdt=committed, day_spent_usdt=spent)
    limits = some_limits(max_position_usdt=position, daily_spend_usdt=spend)

    if exceeded_limit(size, used, limits, NOON) is None:
        with localcontext(Context(prec=120, rounding=ROUND_UP)):
            assert size > 0
            assert committed + size <= position
            assert spent + size <= spend


@steady
@given(ages=st.lists(st.floats(-10, 200), max_size=8), allowed=st.integers(1, 4))
def test_a_minute_is_full_when_the_nth_newest_order_is_younger_than_one(ages: list[float], allowed: int) -> None:
    # The form in which the reservation asks the same of the database.
    newest_first = sorted(seconds_ago(*ages), reverse=True)
    is_full = len(newest_first) >= allowed and newest_first[allowed - 1] > NOON - MINUTE

    reason = broken_by(a_committed(recent_orders=newest_first), limits=some_limits(orders_per_minute=allowed))

    assert (reason is Reason.ORDERS_PER_MINUTE) == is_full
