from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.limits import CENT, net_of_fee
from executor.paper import fill
from shared.mexc.payloads import Level

FEE = Decimal("0.0005")
LEVELS = st.builds(
    Level,
    price=st.decimals(min_value="1E-12", max_value="1E6", places=12).filter(bool),
    quantity=st.decimals(min_value="1E-8", max_value="1E12", places=8),
)
BOOKS = st.lists(LEVELS, max_size=12).map(sorted)
SIZES = st.decimals(min_value="0.02", max_value="9999999999.99", places=2)
FEES = st.decimals(min_value=0, max_value="0.1", places=6)


def a_book(*levels: tuple[str, str]) -> list[Level]:
    return [Level(Decimal(price), Decimal(quantity)) for price, quantity in levels]


def test_a_small_order_is_filled_at_the_best_price() -> None:
    filled = fill(a_book(("2", "100"), ("3", "100")), Decimal("50.00"), FEE)

    assert filled is not None
    assert (filled.base_qty, filled.cost, filled.average_price) == (Decimal(25), Decimal(50), Decimal(2))


def test_a_larger_order_walks_up_the_book() -> None:
    filled = fill(a_book(("2", "10"), ("4", "100")), Decimal("60.00"), FEE)

    assert filled is not None
    assert (filled.base_qty, filled.average_price) == (Decimal(20), Decimal(3))


def test_the_fee_comes_on_top_in_the_quote_asset() -> None:
    filled = fill(a_book(("2", "100")), Decimal("100.00"), Decimal("0.001"))

    assert filled is not None
    assert (filled.base_qty, filled.fee, filled.quote_spent) == (Decimal(50), Decimal("0.1"), Decimal("100.10"))


def test_a_book_that_ends_early_fills_in_part() -> None:
    filled = fill(a_book(("2", "10")), Decimal("100.00"), Decimal(0))

    assert filled is not None
    assert (filled.base_qty, filled.quote_spent) == (Decimal(10), Decimal("20.00"))


def test_an_empty_book_fills_nothing() -> None:
    assert fill([], Decimal("100.00"), FEE) is None


def test_a_price_beyond_the_money_fills_nothing() -> None:
    assert fill(a_book(("20000000000", "1")), Decimal("100.00"), FEE) is None


def test_quantities_are_cut_off_after_eight_decimals() -> None:
    filled = fill(a_book(("3", "100")), Decimal("100.00"), FEE)

    assert filled is not None
    assert filled.base_qty == Decimal("33.33333333")


def test_money_spent_is_rounded_up_to_a_cent() -> None:
    filled = fill(a_book(("0.001", "1")), Decimal("100.00"), FEE)

    assert filled is not None
    assert filled.quote_spent == Decimal("0.01")


@pytest.mark.parametrize("odd", ["NaN", "sNaN", "Infinity", "0", "-1", "1E+400", "1E-400"])
def test_a_level_that_makes_no_sense_is_passed_over(odd: str) -> None:
    book = a_book((odd, "5"), ("2", odd), ("2", "100"))

    filled = fill(book, Decimal("50.00"), FEE)

    assert filled is not None
    assert filled.base_qty == Decimal(25)


@given(asks=BOOKS, size=SIZES, fee=FEES)
def test_cost_and_fee_never_exceed_the_size(asks: list[Level], size: Decimal, fee: Decimal) -> None:
    filled = fill(asks, net_of_fee(size, fee), fee)

    if filled is not None:
        assert filled.cost + filled.fee <= filled.quote_spent <= size


@given(asks=BOOKS, size=SIZES)
def test_a_fill_takes_from_the_book_what_it_pays_for(asks: list[Level], size: Decimal) -> None:
    filled = fill(asks, size, FEE)

    if filled is not None:
        assert filled.base_qty <= sum(level.quantity for level in asks)
        assert asks[0].price <= filled.average_price.quantize(Decimal("1E-12")) <= asks[-1].price


@given(asks=BOOKS, size=SIZES)
def test_a_fill_stops_only_when_the_book_or_the_money_ends(asks: list[Level], size: Decimal) -> None:
    filled = fill(asks, size, FEE)
    bought, left = (filled.base_qty, size - filled.cost) if filled else (Decimal(0), size)

    everything = sum((level.quantity for level in asks), Decimal(0))
    dearest_step = max((level.price for level in asks), default=Decimal(0)) * Decimal("1E-8")
    assert bought == everything or left <= dearest_step


@given(asks=BOOKS, size=SIZES)
def test_more_money_never_buys_less(asks: list[Level], size: Decimal) -> None:
    less, more = fill(asks, size, FEE), fill(asks, size + CENT, FEE)

    assert (less.base_qty if less else 0) <= (more.base_qty if more else 0)
