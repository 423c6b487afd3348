"""Orders against the book: effects of each type on fills and balances."""

from decimal import Decimal

import pytest

from simulator.market.book import Side
from simulator.market.error_responses import RefusedError
from simulator.market.market import Market
from simulator.market.order_validation import TradingRules
from simulator.market.orders import OrderRequest, OrderType, Status
from simulator.market.settlement import Fees
from simulator.symbols.instrument import FeeAsset
from tests.support.data.markets import NOW_MS, a_buy, a_market, a_sell, an_instrument

IOC, FOK, MARKET, MAKER = (
    OrderType.IMMEDIATE_OR_CANCEL,
    OrderType.FILL_OR_KILL,
    OrderType.MARKET,
    OrderType.LIMIT_MAKER,
)


def refusal_code(market: Market, request: OrderRequest, now_ms: int = NOW_MS) -> int:
    with pytest.raises(RefusedError) as caught:
        market.place(request, now_ms)
    return caught.value.response.code


def test_market_buy_by_value_spends_it_and_credits_the_coins() -> None:
    market = a_market()

    order = market.place(a_buy(MARKET, quote_quantity=100), NOW_MS)

    assert order.status is Status.FILLED
    assert order.executed_value == pytest.approx(Decimal(100), abs=Decimal("0.2"))
    assert market.wallet.free("USDT") == 10_000 - order.executed_value
    assert market.wallet.free("ABC") == order.executed_quantity


def test_market_buy_walks_up_the_book() -> None:
    order = a_market().place(a_buy(MARKET, quote_quantity=100), NOW_MS)

    prices = [fill.price for fill in order.fills]
    assert len(prices) > 2
    assert prices == sorted(set(prices))


def test_market_sell_by_quantity_credits_the_proceeds() -> None:
    market = a_market(ABC=2)

    order = market.place(a_sell(MARKET, quantity="0.5"), NOW_MS)

    assert order.status is Status.FILLED
    assert market.wallet.free("ABC") == Decimal("1.5")
    assert market.wallet.free("USDT") == order.executed_value


def test_market_order_larger_than_the_book_is_partially_cancelled() -> None:
    market = a_market(an_instrument(depth_quote=Decimal(515)))

    order = market.place(a_buy(MARKET, quote_quantity=5_000), NOW_MS)

    assert order.status is Status.PARTIALLY_CANCELED
    assert order.executed_value < 600


def test_ioc_takes_what_is_within_its_price_and_cancels_the_rest() -> None:
    market = a_market()
    best = next(market.levels(an_instrument(), Side.SELL, NOW_MS))

    order = market.place(a_buy(IOC, quantity=50, price=best.price), NOW_MS)

    assert order.status is Status.PARTIALLY_CANCELED
    assert order.executed_quantity == best.quantity
    assert market.wallet.balances()["USDT"].locked == 0


def test_ioc_that_meets_nothing_is_cancelled() -> None:
    order = a_market().place(a_buy(IOC, quantity=1, price=99), NOW_MS)

    assert (order.status, order.fills) == (Status.CANCELED, [])


def test_fok_that_cannot_be_filled_whole_takes_nothing() -> None:
    market = a_market()

    order = market.place(a_buy(FOK, quantity=50, price="100.1"), NOW_MS)

    assert (order.status, order.fills) == (Status.CANCELED, [])
    assert market.wallet.free("USDT") == 10_000


def test_fok_that_can_be_filled_whole_is() -> None:
    order = a_market().place(a_buy(FOK, quantity=1, price=105), NOW_MS)

    assert (order.status, order.executed_quantity) == (Status.FILLED, Decimal(1))


def test_maker_order_that_would_take_is_cancelled() -> None:
    order = a_market().place(a_buy(MAKER, quantity=1, price=105), NOW_MS)

    assert (order.status, order.fills) == (Status.CANCELED, [])


def test_limit_order_below_the_market_rests_with_its_value_locked() -> None:
    market = a_market()

    order = market.place(a_buy(quantity=2, price=90), NOW_MS)

    assert order.status is Status.NEW
    assert market.wallet.balances()["USDT"].locked == 180
    assert market.wallet.free("USDT") == 9_820


def test_crossing_limit_order_rests_with_what_it_did_not_get() -> None:
    market = a_market()
    best = next(market.levels(an_instrument(), Side.SELL, NOW_MS))

    order = market.place(a_buy(quantity=best.quantity + 1, price=best.price), NOW_MS)

    assert order.status is Status.PARTIALLY_FILLED
    assert market.wallet.balances()["USDT"].locked == best.price


def test_resting_order_fills_at_its_own_price_when_the_market_comes_to_it() -> None:
    market = a_market()
    order = market.place(a_buy(quantity="0.1", price=90), NOW_MS)

    market.catalogue.put(an_instrument(price=Decimal(85)))
    market.advance(NOW_MS + 1)

    assert order.status is Status.FILLED
    assert {fill.price for fill in order.fills} == {Decimal(90)}
    assert all(fill.is_maker and fill.commission.amount == 0 for fill in order.fills)
    assert market.wallet.free("USDT") == 10_000 - 9
    assert market.wallet.balances()["USDT"].locked == 0
    assert market.wallet.free("ABC") == Decimal("0.1")


def test_resting_sell_order_pays_at_its_own_price() -> None:
    market = a_market(ABC=1)
    order = market.place(a_sell(quantity="0.1", price=110), NOW_MS)

    market.catalogue.put(an_instrument(price=Decimal(120)))
    market.advance(NOW_MS + 1)

    assert order.status is Status.FILLED
    assert market.wallet.free("USDT") == 11
    assert market.wallet.free("ABC") == Decimal("0.9")


def test_cancelling_a_resting_order_frees_what_it_held() -> None:
    market = a_market()
    order = market.place(a_buy(quantity=2, price=90), NOW_MS)

    market.cancel(order, NOW_MS + 1)

    assert order.status is Status.CANCELED
    assert market.wallet.free("USDT") == 10_000
    assert market.orders.open() == []


def test_cancelling_a_finished_order_is_refused_as_unknown() -> None:
    market = a_market()
    order = market.place(a_buy(MARKET, quote_quantity=10), NOW_MS)

    with pytest.raises(RefusedError) as caught:
        market.cancel(order, NOW_MS)

    assert caught.value.response.code == -2011


def test_resting_order_of_a_delisted_symbol_is_cancelled() -> None:
    market = a_market()
    order = market.place(a_buy(quantity=2, price=90), NOW_MS)

    market.catalogue.remove("ABCUSDT", NOW_MS)
    market.advance(NOW_MS + 1)

    assert order.status is Status.CANCELED
    assert market.wallet.free("USDT") == 10_000


def test_resting_order_of_a_suspended_symbol_waits() -> None:
    market = a_market()
    order = market.place(a_buy(quantity=2, price=90), NOW_MS)

    market.catalogue.put(an_instrument(price=Decimal(80), suspended=True))
    market.advance(NOW_MS + 1)

    assert order.status is Status.NEW


def test_buying_moves_the_best_ask_away_until_the_book_refills() -> None:
    market = a_market()
    before = next(market.levels(an_instrument(), Side.SELL, NOW_MS))

    market.place(a_buy(MARKET, quote_quantity=1_000), NOW_MS)

    assert next(market.levels(an_instrument(), Side.SELL, NOW_MS)).price > before.price
    assert next(market.levels(an_instrument(), Side.SELL, NOW_MS + 60_000)) == before


def test_taker_fee_is_paid_in_quote_on_top() -> None:
    market = a_market(fees=Fees(taker=Decimal("0.01")))

    order = market.place(a_buy(MARKET, quote_quantity=100), NOW_MS)

    assert sum(fill.commission.amount for fill in order.fills) == order.executed_value / 100
    assert market.wallet.free("USDT") == 10_000 - order.executed_value * Decimal("1.01")


def test_taker_fee_in_base_is_taken_from_the_coins() -> None:
    market = a_market(fees=Fees(taker=Decimal("0.01"), paid_in="base"))

    order = market.place(a_buy(MARKET, quote_quantity=100), NOW_MS)

    assert {fill.commission.asset for fill in order.fills} == {"ABC"}
    assert market.wallet.free("ABC") == order.executed_quantity * Decimal("0.99")


def test_taker_fee_in_mx_is_taken_from_it_while_there_is_enough() -> None:
    mx = an_instrument(symbol="MXUSDT", base="MX", price=Decimal(2))
    market = a_market(an_instrument(), mx, fees=Fees(taker=Decimal("0.01"), paid_in="MX"), USDT=10_000, MX="0.07")

    first = market.place(a_buy(MARKET, quote_quantity=10), NOW_MS)
    second = market.place(a_buy(MARKET, quote_quantity=10), NOW_MS)

    assert {fill.commission.asset for fill in first.fills} == {"MX"}
    assert {fill.commission.asset for fill in second.fills} == {"USDT"}
    assert market.wallet.free("MX") == Decimal("0.07") - first.executed_value / 200


@pytest.mark.parametrize("paid_in", ["quote", "base"])
def test_coins_bought_arrive_after_the_settling_time_and_until_then_selling_them_is_oversold(paid_in: FeeAsset) -> None:
    market = a_market(fees=Fees(taker=Decimal("0.01"), paid_in=paid_in))
    order = market.place(a_buy(MARKET, quote_quantity=100), NOW_MS, settle_ms=2_000)
    coins = order.executed_quantity * (Decimal("0.99") if paid_in == "base" else 1)

    market.advance(NOW_MS + 1_999)
    at_first = market.wallet.balances().get("ABC")
    refused = refusal_code(market, a_sell(MARKET, quantity="0.5"))
    market.advance(NOW_MS + 2_000)

    assert (order.status, at_first, refused) == (Status.FILLED, None, 30005)
    assert market.wallet.free("ABC") == coins
    assert market.place(a_sell(MARKET, quantity="0.5"), NOW_MS + 2_000).status is Status.FILLED


def test_proceeds_of_a_sale_need_no_settling() -> None:
    market = a_market(ABC=1)

    order = market.place(a_sell(MARKET, quantity="0.5"), NOW_MS, settle_ms=2_000)

    assert market.wallet.free("USDT") == order.executed_value


SCRIPTED = {"asks": ((Decimal(100), Decimal(2)), (Decimal(101), Decimal(3))), "bids": ()}


def test_scripted_book_is_taken_level_by_level_and_does_not_come_back() -> None:
    market = a_market(an_instrument(**SCRIPTED))

    first = market.place(a_buy(IOC, quantity=3, price=101), NOW_MS)
    second = market.place(a_buy(IOC, quantity=3, price=101), NOW_MS + 60_000)

    assert [(fill.price, fill.quantity) for fill in first.fills] == [
        (Decimal(100), Decimal(2)),
        (Decimal(101), Decimal(1)),
    ]
    assert (first.status, second.status) == (Status.FILLED, Status.PARTIALLY_CANCELED)
    assert second.executed_quantity == 2
    assert list(market.levels(an_instrument(**SCRIPTED), Side.SELL, NOW_MS + 60_000)) == []


@pytest.mark.parametrize("order", [a_buy(MARKET, quote_quantity=10), a_buy(IOC, quantity=1, price=200)])
def test_order_on_an_empty_book_is_accepted_and_cancelled(order: OrderRequest) -> None:
    placed = a_market(an_instrument(asks=(), bids=())).place(order, NOW_MS)

    assert (placed.status, placed.fills) == (Status.CANCELED, [])


def test_scripted_book_can_be_made_whole_again() -> None:
    market = a_market(an_instrument(**SCRIPTED))
    market.place(a_buy(IOC, quantity=5, price=101), NOW_MS)

    market.refill("ABCUSDT")

    assert len(list(market.levels(an_instrument(**SCRIPTED), Side.SELL, NOW_MS))) == 2


def test_whole_balance_can_be_spent_and_never_more() -> None:
    market = a_market(fees=Fees(taker=Decimal("0.01")), USDT=100)

    order = market.place(a_buy(MARKET, quote_quantity=100), NOW_MS)

    assert order.status is Status.FILLED
    assert 0 <= market.wallet.free("USDT") < Decimal("0.2")


def test_buying_beyond_the_balance_is_refused() -> None:
    assert refusal_code(a_market(USDT=5), a_buy(MARKET, quote_quantity=6)) == 30004


def test_selling_what_is_not_held_is_refused() -> None:
    assert refusal_code(a_market(), a_sell(MARKET, quantity=1)) == 30004


def test_selling_more_than_is_held_is_oversold() -> None:
    assert refusal_code(a_market(ABC=1), a_sell(MARKET, quantity=2)) == 30005


def test_the_501st_open_order_is_refused() -> None:
    market = a_market(USDT=10_000)
    for _ in range(500):
        market.place(a_buy(quantity="0.02", price=90), NOW_MS)

    assert refusal_code(market, a_buy(quantity="0.02", price=90)) == 30029


def test_unknown_symbol_is_invalid() -> None:
    assert refusal_code(a_market(), a_buy(symbol="NOPEUSDT", quantity=1, price=90)) == -1121


def test_validation_alone_moves_nothing() -> None:
    market = a_market()

    market.validate(a_buy(MARKET, quote_quantity=100), NOW_MS)

    assert market.wallet.free("USDT") == 10_000
    assert list(market.orders.of_symbol("ABCUSDT")) == []


def test_refused_order_leaves_no_trace() -> None:
    market = a_market(rules=TradingRules(price_protection=Decimal("0.1")))

    assert refusal_code(market, a_buy(quantity=1, price=200)) == 30087
    assert list(market.orders.of_symbol("ABCUSDT")) == []
    assert market.wallet.free("USDT") == 10_000
