from decimal import Decimal
from typing import Any

import pytest

from executor.model.reasons import Reason, Refusal
from shared.events import Side, TradingRules
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import Level, OrderBook
from tests.support.data.order_requests import RULES, below, bought, capped, sold, spending

BOOK = OrderBook(bids=(), asks=(Level(Decimal(2), Decimal(1000)),))


def test_a_purchase_pays_at_most_the_reference_and_the_slippage() -> None:
    # 99.95 after the fee, for 2.10 each.
    assert bought() == capped("47.59", "2.1000")


def test_the_slippage_can_be_set() -> None:
    assert bought(slippage_pct="0.5") == capped("49.72", "2.0100")


def test_the_window_of_the_request_can_be_set() -> None:
    assert bought(recv_window_ms=500) == capped("47.59", "2.1000", recv_window_ms=500)


def test_price_and_quantity_are_cut_to_the_precision_of_the_symbol() -> None:
    assert bought("0.123456", slippage_pct=1) == capped("802.16", "0.1246")


def test_a_precision_of_no_decimals_means_whole_coins() -> None:
    rules = RULES.model_copy(update={"base_precision": 0, "quote_precision": 0})

    assert bought("2", slippage_pct=60, rules=rules) == capped("33", "3")


def test_without_rules_the_price_keeps_the_decimals_of_the_reference() -> None:
    assert bought("0.00250", rules=None) == capped("38148", "0.00262")
    assert bought("0.00250", rules=TradingRules(base_precision=1)) == capped("38148.8", "0.00262")


def test_without_rules_whole_coins_are_traded_where_that_loses_less_than_a_hundredth() -> None:
    too_much = Refusal(Reason.RULES_UNKNOWN, "nobody knows in which fractions the coin is traded")

    assert bought("1.00", "99.95", rules=None, slippage_pct="0.1") == capped("99", "1.001")
    assert bought("5.00", rules=None, slippage_pct="0.1") == too_much
    assert sold("1", "50.5", rules=None) == capped("50", "0.95", Side.SELL)
    assert sold("1", "50.6", rules=None) == too_much
    assert sold("1", "0.999", rules=None) == too_much


@pytest.mark.parametrize(
    ("reference", "cap"), [("1", "1.05"), ("0.5", "0.52"), ("0.000010", "0.0000105"), ("20", "21")]
)
def test_without_rules_a_round_reference_does_not_cost_the_slippage(reference: str, cap: str) -> None:
    rules = TradingRules(base_precision=0)

    request = bought(reference, rules=rules)

    assert isinstance(request, OrderRequest)
    assert request.price == Decimal(cap)


def test_a_reference_in_powers_of_ten_has_no_decimals() -> None:
    assert bought("2E+1", rules=TradingRules(base_precision=2), slippage_pct=7) == capped("4.75", "21")


def test_less_than_one_coin_is_bought_of_one_that_costs_hundreds() -> None:
    assert bought("514.73", rules=TradingRules(base_precision=2, quote_precision=2)) == capped("0.18", "540.46")


def test_more_digits_than_pythons_usual_arithmetic_has_are_all_kept() -> None:
    fine = TradingRules(base_precision=18, quote_precision=15)

    assert bought("0.000000000001", rules=fine) == capped("95190476190476.190476190476190476", "0.00000000000105")
    assert sold("1", "123456789012.123456789012345678", rules=fine) == capped(
        "123456789012.123456789012345678", "0.95", Side.SELL
    )


@pytest.mark.parametrize("reference", [None, "NaN", "sNaN", "Infinity", "0", "-1", "1E+30"])
def test_without_a_price_nothing_is_bought(reference: str | None) -> None:
    assert bought(reference) == Refusal(Reason.NO_PRICE)


def test_a_price_finer_than_the_symbol_takes_is_no_price() -> None:
    assert bought("0.00005") == Refusal(Reason.NO_PRICE)


def test_a_purchase_below_the_least_notional_is_refused() -> None:
    assert bought(quote_qty="1.00") == below("1 of the quote asset")


def test_the_least_and_the_most_quantity_and_notional_are_the_symbols() -> None:
    def with_rules(**changed: Any) -> OrderRequest | Refusal:
        return bought(rules=RULES.model_copy(update=changed))

    assert with_rules(base_quantity_min=Decimal("47.59")) == capped("47.59", "2.1000")
    assert with_rules(base_quantity_min=Decimal("47.60")) == below("47.60 of the coin")
    assert with_rules(quote_amount_min=Decimal("99.939")) == capped("47.59", "2.1000")
    assert with_rules(quote_amount_min=Decimal("99.9391")) == below("99.9391 of the quote asset")
    assert with_rules(quote_amount_max=Decimal("99.939")) == capped("47.59", "2.1000")
    assert with_rules(quote_amount_max=Decimal("99.9389")) == Refusal(
        Reason.ABOVE_MAXIMUM, "99.9389 of the quote asset"
    )


def test_less_than_one_step_of_the_coin_is_below_the_minimum() -> None:
    assert bought("20000") == below("0.01 of the coin")
    assert bought("20000", rules=TradingRules(base_precision=2)) == below("0.01 of the coin")
    assert bought("200000", rules=TradingRules(base_precision=0)) == below("1 of the coin")


def test_at_any_price_the_amount_is_spent_net_of_the_fee() -> None:
    assert bought(None, entry="market") == spending("99.95")
    assert bought("2", entry="market", rules=None) == spending("99.95")


def test_at_any_price_the_bounds_of_market_orders_hold() -> None:
    assert bought(quote_qty="5.01", entry="market") == spending("5.00")
    assert bought(quote_qty="5.00", entry="market") == below("5 of the quote asset")
    assert bought(quote_qty="150.07", entry="market") == spending("149.99")
    assert bought(quote_qty="150.10", entry="market") == Refusal(Reason.ABOVE_MAXIMUM, "150 of the quote asset")


def test_less_than_a_dollar_is_spent_where_no_rule_forbids_it() -> None:
    assert bought(quote_qty="0.50", entry="market", rules=None) == spending("0.49")


def test_nothing_to_spend_is_no_order() -> None:
    assert bought(quote_qty="0.00", entry="market", rules=None) == below("there is nothing to spend")
    assert bought(quote_qty="0.00") == below("0.01 of the coin")


@pytest.mark.parametrize("entry", ["capped", "market"])
def test_a_gate_that_is_shut_refuses_every_kind_of_order(entry: str) -> None:
    assert bought(entry=entry, book=BOOK, depth_usdt_min="2000.01") == Refusal(Reason.DEPTH, "2000.00")
    assert isinstance(bought(entry=entry, book=BOOK, depth_usdt_min="2000.00"), OrderRequest)


def test_a_market_order_without_a_reference_cannot_pass_the_depth_gate() -> None:
    assert bought(None, entry="market", book=BOOK, depth_usdt_min="1") == Refusal(Reason.DEPTH, "nobody knows how much")
