"""Exposure after each fill, the reference for tests of the executor's limits."""

from decimal import Decimal

from simulator.market.exposure_history import exposures
from simulator.market.market import Market
from simulator.market.orders import OrderType
from simulator.market.settlement import Fees
from tests.support.data.markets import NOW_MS, a_buy, a_market, a_sell, an_instrument

IOC, MARKET = OrderType.IMMEDIATE_OR_CANCEL, OrderType.MARKET
ONE_PERCENT = Fees(taker=Decimal("0.01"))


def a_scripted_market(fees: Fees = ONE_PERCENT) -> Market:
    """A coin with ten on offer at 100, and bids at 50."""
    levels = ((Decimal(100), Decimal(10)),)
    return a_market(an_instrument(asks=levels, bids=((Decimal(50), Decimal(10)),)), fees=fees)


def after_each(market: Market) -> list[Decimal]:
    return [exposure for _, exposure in exposures(market.deals)]


def test_buying_adds_the_value_and_the_fee() -> None:
    market = a_scripted_market()

    market.place(a_buy(IOC, quantity=1, price=100), NOW_MS)
    market.place(a_buy(IOC, quantity=2, price=100), NOW_MS)

    assert after_each(market) == [101, 303]


def test_fee_paid_in_the_coins_is_part_of_their_value() -> None:
    market = a_scripted_market(Fees(taker=Decimal("0.01"), paid_in="base"))

    market.place(a_buy(IOC, quantity=1, price=100), NOW_MS)

    assert after_each(market) == [100]
    assert next(exposures(market.deals))[0].coins == Decimal("0.99")


def test_selling_takes_away_what_the_coins_cost_not_what_they_fetched() -> None:
    market = a_scripted_market()
    market.place(a_buy(IOC, quantity=4, price=100), NOW_MS)

    market.place(a_sell(MARKET, quantity=1), NOW_MS)
    market.place(a_sell(MARKET, quantity=3), NOW_MS)

    assert after_each(market) == [404, 303, 0]


def test_coins_that_were_never_bought_have_cost_nothing() -> None:
    market = a_scripted_market()
    market.wallet.fund("ABC", Decimal(5))

    market.place(a_sell(MARKET, quantity=5), NOW_MS)

    assert after_each(market) == [0]


def test_order_without_fills_leaves_no_trace() -> None:
    market = a_scripted_market()

    market.place(a_buy(IOC, quantity=1, price=99), NOW_MS)

    assert after_each(market) == []


def test_coins_that_are_taken_away_cost_nothing_from_then_on() -> None:
    market = a_scripted_market()
    market.place(a_buy(IOC, quantity=4, price=100), NOW_MS)

    market.fund("ABC", Decimal(1))
    market.fund("USDT", Decimal(1))
    market.fund("ABC", Decimal(0))

    assert after_each(market) == [404, 101, 101, 0]


def test_coins_that_come_from_nowhere_cost_nothing() -> None:
    market = a_scripted_market()

    market.fund("ABC", Decimal(5))

    assert after_each(market) == []
