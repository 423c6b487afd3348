from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.limits import CENT, fits, net_of_fee, order_size

AMOUNTS = st.decimals(min_value="0.01", max_value="9999999999.99", places=2)
EXPOSURES = st.decimals(min_value=0, max_value="999999999999.99", places=2)
FEES = st.decimals(min_value=0, max_value="0.1", places=6) | st.sampled_from([Decimal("1E-30"), Decimal("1E-8")])
NOT_AMOUNTS = [Decimal(text) for text in ("NaN", "sNaN", "Infinity", "-Infinity", "0", "-1", "-0.01")]


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
    assert not fits(broken, Decimal(0), Decimal(1000))
    assert not fits(Decimal(100), Decimal(0), broken)


@pytest.mark.parametrize("broken", [Decimal("NaN"), Decimal("Infinity"), Decimal("-0.01")])
def test_unknown_exposure_allows_nothing(broken: Decimal) -> None:
    assert not fits(Decimal(1), broken, Decimal(1000))


def test_a_position_may_be_filled_to_the_cent() -> None:
    assert fits(Decimal("100.00"), Decimal("900.00"), Decimal("1000.00"))


def test_a_position_is_never_exceeded_by_a_cent() -> None:
    assert not fits(Decimal("100.00"), Decimal("900.01"), Decimal("1000.00"))


@given(order_usdt=st.none() | AMOUNTS, max_trade_usdt=AMOUNTS)
def test_a_size_is_whole_cents_and_within_both_limits(order_usdt: Decimal | None, max_trade_usdt: Decimal) -> None:
    size = order_size(order_usdt, max_trade_usdt)

    assert size is not None
    assert size == min(max_trade_usdt, order_usdt or max_trade_usdt)
    assert size % CENT == 0


@given(size=AMOUNTS, committed=EXPOSURES, max_position=AMOUNTS)
def test_what_fits_leaves_the_position_within_its_limit(
    size: Decimal, committed: Decimal, max_position: Decimal
) -> None:
    assert fits(size, committed, max_position) == (committed + size <= max_position)


@given(size=AMOUNTS, fee=FEES)
def test_the_fee_on_top_stays_within_the_size_and_leaves_less_than_a_cent_and_its_fee(
    size: Decimal, fee: Decimal
) -> None:
    amount = net_of_fee(size, fee)

    with localcontext(Context(prec=60)):
        assert amount * (1 + fee) <= size < (amount + CENT) * (1 + fee)


def test_a_fee_too_small_for_ordinary_arithmetic_still_costs_its_cent() -> None:
    assert net_of_fee(Decimal("100.00"), Decimal("1E-30")) == Decimal("99.99")
