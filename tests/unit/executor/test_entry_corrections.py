from decimal import Decimal

import pytest

from executor.decisions.order_request import fitted, repriced, resized
from executor.model.reasons import Reason, Refusal
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest
from tests.support.data.order_requests import RULES, below, bought, capped, sold, spending


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

    assert isinstance(decision, Refusal)
    assert decision.reason is Reason.PRICE_REFUSED


def test_the_most_the_exchange_takes_is_told_where_it_does_not_help() -> None:
    assert repriced(capped("47.59", "2.1000"), Decimal(3), RULES) == Refusal(Reason.PRICE_REFUSED, "3 at most")


def test_without_a_number_no_price_can_be_corrected() -> None:
    assert repriced(capped("47.59", "2.1000"), None, RULES) == Refusal(Reason.PRICE_REFUSED)


def test_an_order_without_a_price_is_not_repriced() -> None:
    assert repriced(spending("99.95"), Decimal(1), RULES) == Refusal(Reason.PRICE_REFUSED)


def test_a_refused_price_of_a_sale_is_corrected_upwards_and_the_coins_stay_the_same() -> None:
    assert repriced(capped("50", "2", Side.SELL), Decimal("2.10001"), RULES) == capped("50", "2.1001", Side.SELL)


@pytest.mark.parametrize("price_min", ["2", "1.99999", "1", "NaN", "0", "1E+30"])
def test_a_price_of_a_sale_that_would_not_be_higher_or_is_none_is_not_tried_again(price_min: str) -> None:
    decision = repriced(capped("50", "2", Side.SELL), Decimal(price_min), RULES)

    assert isinstance(decision, Refusal)
    assert decision.reason is Reason.PRICE_REFUSED


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
    assert resized(capped("2.39", "2.1000"), Decimal(5), Decimal(100)) == Refusal(Reason.SIZE_REFUSED)
    assert resized(spending("5.00"), Decimal(5), Decimal(100)) == Refusal(Reason.SIZE_REFUSED)


@pytest.mark.parametrize("notional_min", [None, Decimal("NaN"), Decimal(0), Decimal(-1), Decimal("1E+30")])
def test_without_a_number_no_size_can_be_corrected(notional_min: Decimal | None) -> None:
    assert resized(capped("2.38", "2.1000"), notional_min, Decimal(100)) == Refusal(Reason.SIZE_REFUSED)


def test_a_sale_never_grows() -> None:
    assert resized(capped("2.38", "2.1000", Side.SELL), Decimal(5), Decimal(100)) == Refusal(Reason.SIZE_REFUSED)


COARSER = RULES.model_copy(update={"base_precision": 0, "quote_precision": 2})
MONEY = Decimal("99.95")


def test_an_order_is_fitted_to_the_coarser_scale_of_rules_that_were_read_again() -> None:
    assert fitted(capped("47.59", "2.1055"), MONEY, COARSER) == capped("47", "2.10")
    assert fitted(capped("47.59", "2.1055", Side.SELL), MONEY, COARSER) == capped("47", "2.11", Side.SELL)


def test_noughts_behind_the_point_count_as_digits_that_a_coarser_scale_refuses() -> None:
    fresh = fitted(capped("47.00", "2.1000", Side.SELL), MONEY, COARSER)

    assert isinstance(fresh, OrderRequest)
    assert (str(fresh.quantity), str(fresh.price)) == ("47", "2.10")


def test_rules_that_do_not_explain_a_refusal_send_nothing_again() -> None:
    finer = RULES.model_copy(update={"base_precision": 8, "quote_precision": 8})
    for rules in (RULES, finer, TradingRules()):
        for side in Side:
            assert fitted(capped("47.59", "2.1000", side), MONEY, rules) == Refusal(Reason.SIZE_REFUSED)
    assert fitted(spending("99.95"), MONEY, RULES) == Refusal(Reason.SIZE_REFUSED)


def test_an_order_grows_to_a_least_amount_that_rose_within_its_money_only() -> None:
    risen = RULES.model_copy(update={"quote_amount_min": Decimal(50)})

    assert fitted(capped("2.38", "2.1000"), MONEY, risen) == capped("23.81", "2.1000")
    assert fitted(capped("2.38", "2.1000"), Decimal(49), risen) == below("50 of the quote asset")
    assert fitted(capped("2.38", "2.1000", Side.SELL), MONEY, risen) == below("50 of the quote asset")


def test_an_order_above_a_most_that_fell_shrinks_to_it() -> None:
    fallen = RULES.model_copy(update={"base_quantity_max": Decimal(10)})

    assert fitted(capped("47.59", "2.1000"), MONEY, fallen) == capped("10.00", "2.1000")
    assert fitted(capped("47.59", "2.1000", Side.SELL), MONEY, fallen) == capped("10.00", "2.1000", Side.SELL)


def test_steps_that_are_no_power_of_ten_are_kept_to() -> None:
    stepped = RULES.model_copy(update={"base_quantity_step": Decimal("0.25"), "price_step": Decimal("0.0005")})

    assert fitted(capped("47.59", "2.1003"), MONEY, stepped) == capped("47.50", "2.1000")
    assert fitted(capped("47.59", "2.1003", Side.SELL), MONEY, stepped) == capped("47.50", "2.1005", Side.SELL)
    assert bought(rules=stepped) == capped("47.50", "2.1000")


BAND = RULES.model_copy(update={"price_up": Decimal("1.03"), "price_down": Decimal("0.97")})


def test_a_purchase_and_a_sale_stay_within_the_exchanges_price_protection() -> None:
    assert bought(rules=BAND) == capped("48.51", "2.0600")
    assert sold(rules=BAND) == capped("50.00", "1.9400", Side.SELL)
    assert sold("1.98", rules=BAND, last=Decimal(2)) == capped("50.00", "1.9400", Side.SELL)
    assert sold("1.5", rules=BAND, last=Decimal(2)) == capped("50.00", "1.9400", Side.SELL)


def test_a_band_that_is_wider_than_the_slippage_changes_nothing() -> None:
    wide = RULES.model_copy(update={"price_up": Decimal("1.5"), "price_down": Decimal("0.5")})

    assert (bought(rules=wide), sold(rules=wide)) == (bought(), sold())


def test_prices_stay_within_the_least_and_the_most_of_the_symbol() -> None:
    narrow = RULES.model_copy(update={"price_min": Decimal("1.95"), "price_max": Decimal("2.05")})

    assert bought(rules=narrow) == capped("48.75", "2.0500")
    assert sold(rules=narrow) == capped("50.00", "1.9500", Side.SELL)


def test_a_sale_above_the_most_of_one_order_sells_the_most_first() -> None:
    assert sold(base_qty="500") == capped("105.26", "1.9000", Side.SELL)
    assert sold(base_qty="50", rules=RULES.model_copy(update={"base_quantity_max": Decimal(7)})) == capped(
        "7.00", "1.9000", Side.SELL
    )
