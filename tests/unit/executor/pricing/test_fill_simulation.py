from decimal import Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.decisions.limits import net_of_fee
from executor.model.fill import Fill
from executor.model.money import CENT
from executor.pricing.fill_simulation import simulated_fill, take_levels
from executor.pricing.symbol_bounds import is_plausible
from shared.events import Side
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import Level
from tests.support.data.strategies import steady

FEE = Decimal("0.0005")
PRICES = st.decimals(min_value="1E-12", max_value="1E6", places=12).filter(bool)
QUANTITIES = st.decimals(min_value="1E-8", max_value="1E12", places=8)
LEVELS = st.builds(Level, price=PRICES, quantity=QUANTITIES)
BOOKS = st.lists(LEVELS, max_size=12).map(sorted)
SIZES = st.decimals(min_value="0.02", max_value="9999999999.99", places=2)
FEES = st.decimals(min_value=0, max_value="0.1", places=6)


def a_book(*levels: tuple[str, str]) -> list[Level]:
    return [Level(Decimal(price), Decimal(quantity)) for price, quantity in levels]


def a_request(**overrides: Any) -> OrderRequest:
    described: dict[str, Any] = {"symbol": "ABCUSDT", "side": Side.BUY, "type": "MARKET", "client_order_id": "snABC"}
    return OrderRequest(**described | overrides)


def spending(amount: Decimal | str) -> OrderRequest:
    return a_request(quote_order_qty=Decimal(amount))


def capped(quantity: Decimal | str, price: Decimal | str, side: Side = Side.BUY) -> OrderRequest:
    return a_request(side=side, type="IMMEDIATE_OR_CANCEL", quantity=Decimal(quantity), price=Decimal(price))


def walk(levels: list[Level], request: OrderRequest, fee: Decimal, quote_asset: str) -> Fill | None:
    return simulated_fill(take_levels(levels, request), fee, quote_asset)


def walked(levels: list[Level], request: OrderRequest, fee: Decimal = FEE) -> Fill:
    fill = walk(levels, request, fee, "USDT")
    assert fill is not None
    return fill


def test_a_small_order_is_filled_at_the_best_price() -> None:
    assert walked(a_book(("2", "100"), ("3", "100")), spending("50.00"), Decimal("0.001")) == Fill(
        base_qty=Decimal(25), cost=Decimal(50), fee=Decimal("0.05"), fee_asset="USDT", complete=True
    )


def test_a_larger_order_walks_up_the_book() -> None:
    fill = walked(a_book(("2", "10"), ("4", "100")), spending("60.00"))

    assert (fill.base_qty, fill.average_price, fill.complete) == (Decimal(20), Decimal(3), True)


def test_a_book_that_ends_early_fills_in_part() -> None:
    fill = walked(a_book(("2", "10")), spending("100.00"), Decimal(0))

    assert (fill.base_qty, fill.cost, fill.complete) == (Decimal(10), Decimal(20), False)


@pytest.mark.parametrize("request_", [spending("20.00"), capped("10", "2")])
def test_an_order_that_takes_the_last_coin_of_the_book_is_complete(request_: OrderRequest) -> None:
    fill = walked(a_book(("2", "10")), request_)

    assert (fill.base_qty, fill.complete) == (Decimal(10), True)


@pytest.mark.parametrize("request_", [spending("100.00"), capped("1", "2")])
def test_an_empty_book_fills_nothing(request_: OrderRequest) -> None:
    assert walk([], request_, FEE, "USDT") is None


def test_a_price_beyond_the_money_fills_nothing() -> None:
    assert walk(a_book(("20000000000", "1")), spending("100.00"), FEE, "USDT") is None


def test_money_is_turned_into_no_smaller_fractions_than_eight_decimals() -> None:
    assert walked(a_book(("3", "100")), spending("100.00")).base_qty == Decimal("33.33333333")


def test_a_capped_order_takes_what_is_offered_up_to_its_price() -> None:
    fill = walked(a_book(("2", "10"), ("2.1", "10"), ("2.2", "10")), capped("25", "2.1"))

    assert (fill.base_qty, fill.cost, fill.complete) == (Decimal(20), Decimal(41), False)


def test_a_capped_order_takes_no_more_than_it_asked_for() -> None:
    fill = walked(a_book(("2", "10"), ("2.1", "10")), capped("15", "2.1"))

    assert (fill.base_qty, fill.cost, fill.complete) == (Decimal(15), Decimal("30.5"), True)


def test_a_capped_order_below_the_book_fills_nothing() -> None:
    assert walk(a_book(("2", "10")), capped("10", "1.99"), FEE, "USDT") is None


def test_a_sale_takes_bids_down_to_its_price() -> None:
    bids = a_book(("2.2", "10"), ("2.1", "10"), ("2", "10"))

    fill = walked(bids, capped("30", "2.1", Side.SELL), Decimal("0.001"))

    assert fill == Fill(Decimal(20), Decimal(43), Decimal("0.043"), "USDT", complete=False)


def test_a_sale_above_the_bids_fills_nothing() -> None:
    assert walk(a_book(("2", "10")), capped("10", "2.01", Side.SELL), FEE, "USDT") is None


def test_a_sale_at_any_price_takes_all_bids() -> None:
    fill = walked(a_book(("2", "10"), ("1", "10")), a_request(side=Side.SELL, quantity=Decimal(15)))

    assert (fill.base_qty, fill.cost, fill.complete) == (Decimal(15), Decimal(25), True)


@pytest.mark.parametrize("odd", ["NaN", "sNaN", "Infinity", "0", "-1", "1E+21", "1E-21", "1E+400", "1E-400"])
@pytest.mark.parametrize("request_", [spending("50.00"), capped("25", "2")])
def test_a_level_that_makes_no_sense_is_passed_over(odd: str, request_: OrderRequest) -> None:
    assert walked(a_book((odd, "5"), ("2", odd), ("2", "100")), request_).base_qty == Decimal(25)


@pytest.mark.parametrize("number", ["1E+20", "1E-20", "9.99E+20", "0.05"])
def test_odd_but_possible_numbers_are_plausible(number: str) -> None:
    assert is_plausible(Decimal(number))


@steady
@given(asks=BOOKS, size=SIZES, fee=FEES)
def test_cost_and_fee_never_exceed_the_size(asks: list[Level], size: Decimal, fee: Decimal) -> None:
    fill = walk(asks, spending(net_of_fee(size, fee)), fee, "USDT")

    if fill is not None:
        assert fill.cost + fill.fee <= fill.quote_spent("USDT") <= size


@steady
@given(asks=BOOKS, size=SIZES)
def test_a_fill_takes_from_the_book_what_it_pays_for(asks: list[Level], size: Decimal) -> None:
    fill = walk(asks, spending(size), FEE, "USDT")

    if fill is not None:
        assert fill.base_qty <= sum(level.quantity for level in asks)
        assert asks[0].price <= fill.average_price.quantize(Decimal("1E-12")) <= asks[-1].price


@steady
@given(asks=BOOKS, size=SIZES)
def test_a_fill_stops_only_when_the_book_or_the_money_ends(asks: list[Level], size: Decimal) -> None:
    fill = walk(asks, spending(size), FEE, "USDT")
    bought, left = (fill.base_qty, size - fill.cost) if fill else (Decimal(0), size)

    everything = sum((level.quantity for level in asks), Decimal(0))
    dearest_step = max((level.price for level in asks), default=Decimal(0)) * Decimal("1E-8")
    assert bought == everything or left <= dearest_step
    if fill is not None:
        assert fill.complete == (left <= dearest_step)


@steady
@given(asks=BOOKS, size=SIZES)
def test_more_money_never_buys_less(asks: list[Level], size: Decimal) -> None:
    less, more = (walk(asks, spending(each), FEE, "USDT") for each in (size, size + CENT))

    assert (less.base_qty if less else 0) <= (more.base_qty if more else 0)


@steady
@given(levels=BOOKS, quantity=QUANTITIES, price=PRICES, side=st.sampled_from(Side))
def test_a_capped_order_gets_all_that_its_price_allows_and_no_more(
    levels: list[Level], quantity: Decimal, price: Decimal, side: Side
) -> None:
    is_buy = side is Side.BUY
    levels = levels if is_buy else levels[::-1]
    fill = walk(levels, capped(quantity, price, side), FEE, "USDT")

    within = [level.quantity for level in levels if (level.price <= price if is_buy else level.price >= price)]
    expected = min(quantity, sum(within, Decimal(0)))
    assert (fill.base_qty if fill else Decimal(0)) == expected
    if fill is not None:
        assert fill.complete == (expected == quantity)
        assert fill.cost <= expected * price if is_buy else fill.cost >= expected * price


def test_a_fill_is_exact_however_many_digits_its_levels_have() -> None:
    price, quantity = "0.123456789012345", "98765432109.87654321"

    fill = walk(a_book((price, quantity)), capped(quantity, price), FEE, "USDT")

    assert fill is not None
    with localcontext(Context(prec=100)):
        assert fill.cost == Decimal(price) * Decimal(quantity)
