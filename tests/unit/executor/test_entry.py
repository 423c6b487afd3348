from decimal import Context, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.entry import buy_request, repriced, resized, sell_request
from executor.limits import CENT
from executor.market import Market
from executor.reasons import Reason
from executor.settings import ExecutorSettings
from executor.strategy import Refuse
from shared.events import Side, TradingRules
from shared.mexc.payloads import Level, OrderBook
from shared.mexc.trading import OrderRequest
from tests.builders import an_order

RULES = TradingRules(
    base_precision=2,
    quote_precision=4,
    base_quantity_min=Decimal("0.01"),
    quote_amount_min=Decimal(1),
    quote_amount_min_market=Decimal(5),
    quote_amount_max=Decimal(200),
    quote_amount_max_market=Decimal(150),
)
BOOK = OrderBook(bids=(), asks=(Level(Decimal(2), Decimal(1000)),))


def bought(
    reference: str | None = "2",
    quote_qty: str = "100.00",
    rules: TradingRules | None = RULES,
    book: OrderBook | None = None,
    **settings: Any,
) -> OrderRequest | Refuse:
    market = Market(None if reference is None else Decimal(reference), book)
    return buy_request(an_order(quote_qty=Decimal(quote_qty)), market, rules, ExecutorSettings(**settings))


def sold(
    best_bid: str | None = "2", base_qty: str | None = "50", rules: TradingRules | None = RULES, **settings: Any
) -> OrderRequest | Refuse:
    order = an_order(side=Side.SELL, base_qty=None if base_qty is None else Decimal(base_qty))
    return sell_request(order, None if best_bid is None else Decimal(best_bid), rules, ExecutorSettings(**settings))


def capped(quantity: str, price: str, side: Side = Side.BUY, recv_window_ms: int = 2000) -> OrderRequest:
    return OrderRequest(
        symbol="ABCUSDT",
        side=side,
        type="IMMEDIATE_OR_CANCEL",
        client_order_id="snABC",
        quantity=Decimal(quantity),
        price=Decimal(price),
        recv_window_ms=recv_window_ms,
    )


def spending(amount: str) -> OrderRequest:
    return OrderRequest(
        symbol="ABCUSDT", side=Side.BUY, type="MARKET", client_order_id="snABC", quote_order_qty=Decimal(amount)
    )


def below(least: str) -> Refuse:
    return Refuse(Reason.BELOW_MINIMUM, least)


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
    too_much = Refuse(Reason.RULES_UNKNOWN, "nobody knows in which fractions the coin is traded")

    assert bought("1.00", "99.95", rules=None, slippage_pct="0.1") == capped("99", "1.00")
    assert bought("5.00", rules=None, slippage_pct="0.1") == too_much
    assert sold("1", "50.5", rules=None) == capped("50", "1", Side.SELL)
    assert sold("1", "50.6", rules=None) == too_much
    assert sold("1", "0.999", rules=None) == too_much


def test_a_reference_in_powers_of_ten_has_no_decimals() -> None:
    assert bought("2E+1", rules=TradingRules(base_precision=2)) == capped("4.75", "21")


@pytest.mark.parametrize("reference", [None, "NaN", "sNaN", "Infinity", "0", "-1", "1E+30"])
def test_without_a_price_nothing_is_bought(reference: str | None) -> None:
    assert bought(reference) == Refuse(Reason.NO_PRICE)


def test_a_price_finer_than_the_symbol_takes_is_no_price() -> None:
    assert bought("0.00005") == Refuse(Reason.NO_PRICE)


def test_a_purchase_below_the_least_notional_is_refused() -> None:
    assert bought(quote_qty="1.00") == below("1 of the quote asset")


def test_the_least_and_the_most_quantity_and_notional_are_the_symbols() -> None:
    def with_rules(**changed: Any) -> OrderRequest | Refuse:
        return bought(rules=RULES.model_copy(update=changed))

    assert with_rules(base_quantity_min=Decimal("47.59")) == capped("47.59", "2.1000")
    assert with_rules(base_quantity_min=Decimal("47.60")) == below("47.60 of the coin")
    assert with_rules(quote_amount_min=Decimal("99.939")) == capped("47.59", "2.1000")
    assert with_rules(quote_amount_min=Decimal("99.9391")) == below("99.9391 of the quote asset")
    assert with_rules(quote_amount_max=Decimal("99.939")) == capped("47.59", "2.1000")
    assert with_rules(quote_amount_max=Decimal("99.9389")) == Refuse(Reason.ABOVE_MAXIMUM, "99.9389 of the quote asset")


def test_less_than_one_step_of_the_coin_is_below_the_minimum() -> None:
    assert bought("20000") == below("0.01 of the coin")
    assert bought("200000", rules=TradingRules(base_precision=0)) == below("1 of the coin")


def test_at_any_price_the_amount_is_spent_net_of_the_fee() -> None:
    assert bought(None, entry="market") == spending("99.95")
    assert bought("2", entry="market", rules=None) == spending("99.95")


def test_at_any_price_the_bounds_of_market_orders_hold() -> None:
    assert bought(quote_qty="5.01", entry="market") == spending("5.00")
    assert bought(quote_qty="5.00", entry="market") == below("5 of the quote asset")
    assert bought(quote_qty="150.07", entry="market") == spending("149.99")
    assert bought(quote_qty="150.10", entry="market") == Refuse(Reason.ABOVE_MAXIMUM, "150 of the quote asset")


def test_nothing_to_spend_is_no_order() -> None:
    assert bought(quote_qty="0.00", entry="market", rules=None) == below("there is nothing to spend")
    assert bought(quote_qty="0.00") == below("0.01 of the coin")


@pytest.mark.parametrize("entry", ["capped", "market"])
def test_a_gate_that_is_shut_refuses_every_kind_of_order(entry: str) -> None:
    assert bought(entry=entry, book=BOOK, depth_usdt_min="2000.01") == Refuse(Reason.DEPTH, "2000.00")
    assert isinstance(bought(entry=entry, book=BOOK, depth_usdt_min="2000.00"), OrderRequest)


def test_a_market_order_without_a_reference_cannot_pass_the_depth_gate() -> None:
    assert bought(None, entry="market", book=BOOK, depth_usdt_min="1") == Refuse(Reason.DEPTH, "nobody knows how much")


def test_a_sale_takes_at_least_the_bid_less_the_slippage() -> None:
    assert sold() == capped("50.00", "1.9000", Side.SELL)
    assert sold(exit_slippage_pct="0.5", recv_window_ms=700) == capped("50.00", "1.9900", Side.SELL, recv_window_ms=700)


def test_the_floor_of_a_sale_is_rounded_up() -> None:
    assert sold("0.12345", "100") == capped("100.00", "0.1173", Side.SELL)
    assert sold("0.00001", "10000000", exit_slippage_pct="99.9", rules=None) == capped("10000000", "0.00001", Side.SELL)


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
    assert sold(best_bid) == Refuse(Reason.NO_LIQUIDITY)


def test_a_refused_price_is_corrected_to_what_the_exchange_takes_for_the_same_money() -> None:
    assert repriced(capped("47.59", "2.1000"), Decimal("1.5"), RULES) == capped("66.62", "1.5000")
    assert repriced(capped("47.59", "2.1000"), Decimal("1.23456"), None) == capped("80.95", "1.2345")


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


PRECISIONS = st.none() | st.integers(0, 18)
AMOUNTS = st.decimals(0, 10**6, places=4)
RULE_SETS = st.none() | st.builds(
    TradingRules,
    base_precision=PRECISIONS,
    quote_precision=PRECISIONS,
    base_quantity_min=st.none() | AMOUNTS,
    quote_amount_min=st.none() | st.decimals(0, 10, places=2),
    quote_amount_min_market=st.none() | st.decimals(0, 10, places=2),
    quote_amount_max=st.none() | AMOUNTS,
    quote_amount_max_market=st.none() | AMOUNTS,
)
PRICES = st.decimals(min_value="1E-12", max_value="1E6", places=12).filter(bool) | st.decimals()
SIZES = st.decimals(min_value=0, max_value="99999.99", places=2)


def settled(request: OrderRequest) -> Decimal:
    """What *request* costs at most."""
    with localcontext(Context(prec=200)):
        if request.price is None:
            return request.quote_order_qty or Decimal(0)
        return request.price * (request.quantity or Decimal(0))


def within(request: OrderRequest, rules: TradingRules | None) -> bool:
    known, notional = rules or TradingRules(), settled(request)
    if request.price is None or request.quantity is None:
        least, most = known.quote_amount_min_market, known.quote_amount_max_market
        return (least is None or notional >= least) and (most is None or notional <= most)
    return (
        _is_cut(request.quantity, known.base_precision)
        and _is_cut(request.price, known.quote_precision)
        and (known.base_quantity_min is None or request.quantity >= known.base_quantity_min)
        and (known.quote_amount_min is None or notional >= known.quote_amount_min)
        and (known.quote_amount_max is None or notional <= known.quote_amount_max)
    )


def _is_cut(number: Decimal, decimals: int | None) -> bool:
    with localcontext(Context(prec=200)):
        return decimals is None or number.scaleb(decimals) % 1 == 0


@given(size=SIZES, reference=PRICES, rules=RULE_SETS, entry=st.sampled_from(["capped", "market"]))
def test_whatever_the_symbol_a_purchase_costs_at_most_its_size_with_the_fee(
    size: Decimal, reference: Decimal, rules: TradingRules | None, entry: str
) -> None:
    request = bought(str(reference), str(size), rules, entry=entry)

    if isinstance(request, OrderRequest):
        assert within(request, rules)
        with localcontext(Context(prec=200)):
            assert settled(request) * Decimal("1.0005") <= size
            assert request.price is None or request.price <= reference * Decimal("1.05")


@given(size=SIZES, reference=PRICES, rules=RULE_SETS, price_max=PRICES)
def test_whatever_the_exchange_says_a_corrected_price_costs_no_more(
    size: Decimal, reference: Decimal, rules: TradingRules | None, price_max: Decimal
) -> None:
    request = bought(str(reference), str(size), rules)

    if isinstance(request, OrderRequest):
        corrected = repriced(request, price_max, rules)
        if isinstance(corrected, OrderRequest):
            assert within(corrected, rules)
            assert settled(corrected) <= settled(request)
            assert corrected.price is not None
            assert request.price is not None
            assert corrected.price <= price_max
            assert corrected.price < request.price


@given(
    size=SIZES,
    reference=PRICES,
    least=st.decimals(0, 20, places=3) | st.decimals(),
    entry=st.sampled_from(["capped", "market"]),
)
def test_whatever_the_exchange_says_a_corrected_size_costs_no_more_than_the_order_may(
    size: Decimal, reference: Decimal, least: Decimal, entry: str
) -> None:
    request = bought(str(reference), str(size), None, entry=entry)
    money = size - CENT

    if isinstance(request, OrderRequest):
        corrected = resized(request, least, money)
        if isinstance(corrected, OrderRequest):
            assert least <= settled(corrected) <= money
            assert settled(corrected) > settled(request)
            assert corrected.price == request.price


@given(base_qty=st.decimals(0, 10**9, places=8) | st.decimals(), best_bid=PRICES, rules=RULE_SETS)
def test_whatever_the_symbol_a_sale_sells_no_more_than_is_held_and_never_below_its_floor(
    base_qty: Decimal, best_bid: Decimal, rules: TradingRules | None
) -> None:
    request = sold(str(best_bid), str(base_qty), rules)

    if isinstance(request, OrderRequest):
        assert within(request, rules)
        assert request.quantity is not None
        assert request.quantity <= base_qty
        with localcontext(Context(prec=200)):
            assert request.price is not None
            assert request.price >= best_bid * Decimal("0.95")
