from decimal import Decimal

import pytest

from executor.model.reasons import Reason, Refusal
from shared.events import Side
from tests.support.data.order_requests import RULES, below, capped, sold


def test_a_sale_takes_at_least_the_bid_less_the_slippage() -> None:
    assert sold() == capped("50.00", "1.9000", Side.SELL)
    assert sold(exit_slippage_pct="0.5", recv_window_ms=700) == capped("50.00", "1.9900", Side.SELL, recv_window_ms=700)


def test_the_floor_of_a_sale_is_rounded_up() -> None:
    assert sold("0.12345", "100") == capped("100.00", "0.1173", Side.SELL)
    assert sold("0.00001", "10000000", exit_slippage_pct="99.9", rules=None) == capped("10000000", "0.00001", Side.SELL)


def test_a_floor_that_the_rules_would_round_above_the_bid_has_the_digits_of_the_bid() -> None:
    """The bid shows that the symbol takes them: the rules are old, or garbled."""
    coarse, stepped = (RULES.model_copy(update=each) for each in ({"quote_precision": 0}, {"price_step": Decimal(1)}))

    assert sold("0.70", "100", coarse) == capped("100.00", "0.7", Side.SELL)
    assert sold("0.1234", "100", coarse) == capped("100.00", "0.1173", Side.SELL)
    assert sold("0.70", "100", stepped) == capped("100.00", "0.7", Side.SELL)


@pytest.mark.parametrize("most", ["quote_amount_max", "base_quantity_max"])
@pytest.mark.parametrize("value", ["0", "-1", "1E-29", "0.001"])
def test_a_greatest_amount_below_the_least_is_none(most: str, value: str) -> None:
    assert sold(rules=RULES.model_copy(update={most: Decimal(value)})) == sold()


def test_a_sale_is_cut_to_the_precision_of_the_symbol() -> None:
    assert sold(base_qty="49.999") == capped("49.99", "1.9000", Side.SELL)


def test_dust_is_not_sold() -> None:
    assert sold(base_qty="0.52") == below("1 of the quote asset")
    assert sold(base_qty="0.53") == capped("0.53", "1.9000", Side.SELL)
    assert sold(base_qty="0.009") == below("0.01 of the coin")


@pytest.mark.parametrize("base_qty", [None, "0", "-1", "NaN", "Infinity"])
def test_nothing_to_sell_is_no_sale(base_qty: str | None) -> None:
    assert sold(base_qty=base_qty) == below("there is nothing to sell")


@pytest.mark.parametrize("best_bid", [None, "0", "NaN", "Infinity", "-1"])
def test_without_a_bid_nothing_can_be_sold(best_bid: str | None) -> None:
    assert sold(best_bid) == Refusal(Reason.NO_LIQUIDITY)
