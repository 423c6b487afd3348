"""Refusals of orders, with their codes."""

from decimal import Decimal
from typing import Any

import pytest

from simulator.market.error_responses import ErrorResponse, RefusedError
from simulator.market.order_validation import TradingRules, validate_order
from simulator.market.orders import OrderRequest, OrderType
from simulator.symbols.instrument import Instrument
from tests.support.data.markets import NOW_MS, a_buy, a_sell, an_instrument

MARKET = OrderType.MARKET


def refusal(request: OrderRequest, instrument: Instrument | None = None, **rules: Any) -> ErrorResponse:
    with pytest.raises(RefusedError) as caught:
        validate_order(request, instrument or an_instrument(), Decimal(100), NOW_MS, TradingRules(**rules))
    return caught.value.response


@pytest.mark.parametrize("code", [30001, 10007, 30016, 30014, -1121, 12345])
def test_order_before_the_opening_gets_the_configured_code(code: int) -> None:
    assert refusal(a_buy(quantity=1, price=100), an_instrument(opens_at_ms=NOW_MS + 1, preopen_code=code)).code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"listed_at_ms": NOW_MS + 1}, -1121), ({"suspended": True}, 30000), ({"api_allowed": False}, 10007)],
)
def test_state_of_the_symbol_refuses_orders(changes: dict[str, Any], code: int) -> None:
    assert refusal(a_buy(quantity=1, price=100), an_instrument(**changes)).code == code


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (a_buy(MARKET), -1128),
        (a_buy(MARKET, quantity=1, quote_quantity=1), -1128),
        (a_buy(price=100), 44444),
        (a_buy(quantity=1), 44444),
        (a_buy(quantity=0, price=100), 700008),
        (a_buy(quantity=-1, price=100), 700008),
        (a_buy(quantity="NaN", price=100), 700008),
        (a_buy(MARKET, quote_quantity="Infinity"), 700008),
        (a_buy(quantity="0.0001", price=100), 700008),
        (a_buy(quantity=1, price="100.001"), 700008),
        (a_buy(quantity="0.009", price=100), 30002),
        (a_buy(MARKET, quote_quantity="0.99"), 30002),
        (a_buy(quantity=30_000, price=100), 30003),
    ],
)
def test_shape_of_the_order_is_refused(order: OrderRequest, code: int) -> None:
    assert refusal(order).code == code


def test_minimum_is_named_in_the_message() -> None:
    assert refusal(a_buy(MARKET, quote_quantity="0.5")).message.endswith("cannot be less than:1USDT")


def test_excess_decimals_are_cut_off_where_the_rules_say_so() -> None:
    understood = validate_order(
        a_buy(quantity="1.23456", price="99.999"),
        an_instrument(),
        Decimal(100),
        NOW_MS,
        TradingRules(truncate_decimals=True),
    )

    assert (understood.quantity, understood.price) == (Decimal("1.234"), Decimal("99.99"))


def test_price_above_the_cap_of_a_guarded_opening_is_refused_with_the_cap() -> None:
    guarded = an_instrument(opens_at_ms=NOW_MS - 1_000, guard_ms=60_000, guard_cap=Decimal("100.50"))

    refused = refusal(a_buy(quantity=1, price=101), guarded)

    assert (refused.code, refused.message) == (30010, "Order price cannot exceed 100.5USDT")


def test_cap_ends_with_the_guard() -> None:
    open_again = an_instrument(opens_at_ms=NOW_MS - 61_000, guard_ms=60_000, guard_cap=Decimal(100))

    validate_order(a_buy(quantity=1, price=101), open_again, Decimal(100), NOW_MS, TradingRules())


@pytest.mark.parametrize("order", [a_buy(quantity=1, price=111), a_sell(quantity=1, price=89)])
def test_price_far_beyond_the_market_is_refused(order: OrderRequest) -> None:
    assert refusal(order, price_protection=Decimal("0.1")).code == 30087


@pytest.mark.parametrize("order", [a_buy(quantity=1, price=50), a_sell(quantity=1, price=150)])
def test_price_far_on_the_waiting_side_is_accepted(order: OrderRequest) -> None:
    validate_order(order, an_instrument(), Decimal(100), NOW_MS, TradingRules(price_protection=Decimal("0.1")))
