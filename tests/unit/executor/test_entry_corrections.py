from decimal import Decimal

import pytest

from executor.entry import repriced, resized
from executor.reasons import Reason
from executor.strategy import Refuse
from shared.events import Side
from tests.order_requests import RULES, below, capped, spending


def test_a_refused_price_is_corrected_to_what_the_exchange_takes_for_the_same_money() -> None:
    assert repriced(capped("47.59", "2.1000"), Decimal("1.5"), RULES) == capped("66.62", "1.5000")
    assert repriced(capped("47.59", "2.1000"), Decimal("1.23456"), None) == capped("80.95", "1.2345")


def test_the_price_of_a_coin_below_a_dollar_is_corrected_too() -> None:
    assert repriced(capped("802.16", "0.1246"), Decimal("0.1"), RULES) == capped("999.49", "0.1000")


def test_corrections_keep_more_digits_than_pythons_usual_arithmetic_has() -> None:
    dear = capped("95190476190476.190476190476190476", "0.00000000000105")

    assert repriced(dear, Decimal("0.000000000001"), None) == capped(
        "99949999999999.999999999999999999", "0.00000000000100"
    )
    assert resized(dear, Decimal(100), Decimal(101)) == capped("95238095238095.238095238095238096", "0.00000000000105")


@pytest.mark.parametrize("price_max", ["2.1", "2.10001", "3", "0", "0.00001", "NaN", "-1", "1E+30"])
def test_a_price_that_would_not_be_lower_or_is_none_is_not_tried_again(price_max: str) -> None:
    decision = repriced(capped("47.59", "2.1000"), Decimal(price_max), RULES)

    assert isinstance(decision, Refuse)
    assert decision.reason is Reason.PRICE_REFUSED


def test_the_most_the_exchange_takes_is_told_where_it_does_not_help() -> None:
    assert repriced(capped("47.59", "2.1000"), Decimal(3), RULES) == Refuse(Reason.PRICE_REFUSED, "3 at most")


def test_without_a_number_no_price_can_be_corrected() -> None:
    assert repriced(capped("47.59", "2.1000"), None, RULES) == Refuse(Reason.PRICE_REFUSED)


def test_only_a_capped_purchase_is_repriced() -> None:
    assert repriced(spending("99.95"), Decimal(1), RULES) == Refuse(Reason.PRICE_REFUSED)
    assert repriced(capped("50", "2", Side.SELL), Decimal(1), RULES) == Refuse(Reason.PRICE_REFUSED)


def test_a_corrected_price_keeps_to_the_bounds_of_the_symbol() -> None:
    rules = RULES.model_copy(update={"quote_amount_min": Decimal("99.94")})

    assert repriced(capped("47.59", "2.1000"), Decimal("1.5"), rules) == below("99.94 of the quote asset")


def test_an_order_that_is_too_small_grows_to_the_least_the_exchange_takes() -> None:
    assert resized(capped("2.38", "2.1000"), Decimal(5), Decimal(6)) == capped("2.39", "2.1000")
    assert resized(spending("4.00"), Decimal("4.991"), Decimal("5.00")) == spending("5.00")
    assert resized(spending("4.00"), Decimal("4.981"), Decimal("5.00")) == spending("4.99")


def test_it_does_not_grow_beyond_its_money() -> None:
    assert resized(capped("2.38", "2.1000"), Decimal(5), Decimal("5.018")) == below("5 of the quote asset")
    assert resized(capped("2.38", "2.1000"), Decimal(5), Decimal("5.019")) == capped("2.39", "2.1000")
    assert resized(spending("4.00"), Decimal("5.001"), Decimal("5.00")) == below("5.001 of the quote asset")


def test_an_order_that_is_large_enough_is_not_sent_again() -> None:
    assert resized(capped("2.39", "2.1000"), Decimal(5), Decimal(100)) == Refuse(Reason.SIZE_REFUSED)
    assert resized(spending("5.00"), Decimal(5), Decimal(100)) == Refuse(Reason.SIZE_REFUSED)


@pytest.mark.parametrize("notional_min", [None, Decimal("NaN"), Decimal(0), Decimal(-1), Decimal("1E+30")])
def test_without_a_number_no_size_can_be_corrected(notional_min: Decimal | None) -> None:
    assert resized(capped("2.38", "2.1000"), notional_min, Decimal(100)) == Refuse(Reason.SIZE_REFUSED)


def test_a_sale_never_grows() -> None:
    assert resized(capped("2.38", "2.1000", Side.SELL), Decimal(5), Decimal(100)) == Refuse(Reason.SIZE_REFUSED)
