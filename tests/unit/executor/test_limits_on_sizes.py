"""An order of 100 dollars spends 100 where the price holds, more as far as its cap allows, and never beyond a limit."""

from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.decisions.limits import Limits, reservation
from executor.decisions.order_request import repriced
from executor.decisions.strategy import Buy
from executor.model.money import CENT
from executor.model.reasons import Reason, Refusal
from executor.pricing.fill_simulation import filled, taken
from shared.events import TradingRules
from shared.mexc.orders.order_api import OrderRequest
from shared.mexc.payloads import Level
from tests.support.data.builders import a_committed, a_listing
from tests.support.data.decisions import a_standing, decided
from tests.support.data.order_requests import RULES, bought, capped
from tests.support.data.strategies import steady

FEE = Decimal("0.0005")
PLENTY = Decimal(1_000_000)
MONEY = st.decimals(min_value="0.02", max_value="99999.99", places=2)
REFERENCES = st.decimals(min_value="0.000001", max_value="10000", places=6)
LIKE_LIMITS = st.decimals(min_value="0.02", max_value="199999.99", places=2)


def reserved(order_usdt: str = "100", max_trade: str = "1000") -> Decimal:
    decision = decided(a_listing(), a_standing(max_trade_usdt=max_trade), order_usdt=order_usdt)
    assert isinstance(decision, Buy)
    return decision.quote_qty


def spent(request: OrderRequest | Refusal, price: str) -> Decimal:
    """What *request* spends where everything is offered at *price*, fee included."""
    assert isinstance(request, OrderRequest)
    fill = filled(taken([Level(Decimal(price), PLENTY)], request), FEE, "USDT")
    return Decimal(0) if fill is None else fill.quote_spent("USDT")


def test_an_order_of_100_spends_100_where_the_price_holds_and_its_slippage_more_at_its_cap() -> None:
    assert reserved() == Decimal(105)
    request = bought("2", "105", order_usdt=100)

    assert request == capped("49.97", "2.1000")
    assert Decimal("99.98") <= spent(request, "2") <= 100
    assert Decimal("104.9") < spent(request, "2.1") <= 105


def test_the_limit_of_a_trade_holds_at_the_cap_and_so_comes_before_the_size() -> None:
    assert reserved("100", "100") == 100
    request = bought("2", "100", order_usdt=100)

    assert spent(request, "2.1") <= 100
    assert Decimal("95.1") < spent(request, "2") < Decimal("95.3")
    assert request == bought("2", "100")


def test_a_limit_between_size_and_cap_takes_off_only_what_it_must() -> None:
    assert reserved("100", "102") == 102
    request = bought("2", "102", order_usdt=100)

    assert Decimal("97.1") < spent(request, "2") < Decimal("97.2")
    assert spent(request, "2.1") <= 102


@pytest.mark.parametrize("room", ["100", "103", "105", "500"])
def test_room_for_the_size_is_enough_for_an_order_and_never_exceeded_by_its_cap(room: str) -> None:
    committed = a_committed(committed_usdt=Decimal(900))
    limit = str(900 + Decimal(room))
    decision = decided(
        a_listing(), a_standing(max_trade_usdt="1000", max_position_usdt=limit, committed=committed), order_usdt="100"
    )

    assert decision == Buy(min(Decimal(105), Decimal(room)))


def test_without_room_for_its_size_an_order_is_refused() -> None:
    committed = a_committed(committed_usdt=Decimal(901))
    standing = a_standing(max_trade_usdt="1000", max_position_usdt="1000", committed=committed)

    assert decided(a_listing(), standing, order_usdt="100") == Refusal(Reason.MAX_POSITION)


def test_a_market_order_spends_its_size_whatever_the_price_and_reserves_no_more() -> None:
    standing = a_standing(max_trade_usdt="1000")

    assert decided(a_listing(), standing, order_usdt="100", entry="market") == Buy(Decimal(100))


def test_a_corrected_price_above_the_reference_buys_as_many_coins_and_one_below_it_as_much_money() -> None:
    request, target = bought("2", "105", order_usdt=100), Decimal("99.95")
    assert isinstance(request, OrderRequest)

    assert repriced(request, Decimal("2.05"), RULES, target) == capped("49.97", "2.0500")
    assert repriced(request, Decimal("1.90"), RULES, target) == capped("52.60", "1.9000")


def test_a_cap_that_the_exchange_holds_below_the_reference_is_the_price_to_size_by() -> None:
    rules = RULES.model_copy(update={"price_max": Decimal("1.9")})

    assert bought("2", "105", rules, order_usdt=100) == capped("52.60", "1.9000")


@steady
@given(size=MONEY, max_trade=LIKE_LIMITS, max_position=LIKE_LIMITS, day=LIKE_LIMITS, slippage=st.integers(1, 200))
def test_a_reservation_covers_the_size_and_keeps_within_every_limit(
    size: Decimal, max_trade: Decimal, max_position: Decimal, day: Decimal, slippage: int
) -> None:
    limits = Limits(max_position, orders_per_minute=3, orders_per_day=20, daily_spend_usdt=day)
    size = min(size, max_trade, max_position, day)

    amount = reservation(size, Decimal(slippage), max_trade, a_committed(), limits)

    assert size <= amount <= min(max_trade, max_position, day)
    assert amount <= size * (1 + Decimal(slippage) / 100) + CENT
    assert amount == amount.quantize(CENT)


@steady
@given(size=MONEY, reference=REFERENCES, limit=LIKE_LIMITS, decimals=st.integers(0, 12))
def test_no_order_costs_more_than_its_size_at_the_reference_or_its_reservation_at_the_cap(
    size: Decimal, reference: Decimal, limit: Decimal, decimals: int
) -> None:
    standing = a_standing(max_trade_usdt=limit, max_position_usdt=PLENTY)
    decision = decided(a_listing(), standing, order_usdt=size, daily_spend_usdt=PLENTY)
    assert isinstance(decision, Buy)
    assert decision.quote_qty <= limit

    request = bought(str(reference), str(decision.quote_qty), TradingRules(base_precision=decimals), order_usdt=size)

    if isinstance(request, OrderRequest):
        assert request.quantity is not None
        assert request.price is not None
        with localcontext(Context(prec=100)):
            assert request.quantity * reference * (1 + FEE) <= size
            assert request.quantity * request.price * (1 + FEE) <= decision.quote_qty


@pytest.mark.parametrize(
    ("slippage", "expected"),
    [("5", "10.52"), ("0." + "0" * 27 + "1", "10.02"), ("0.1", "10.03")],
    ids=["half a cent", "less than usual arithmetic keeps", "a whole fraction"],
)
def test_a_reservation_is_rounded_up_however_little_is_left_of_a_cent(slippage: str, expected: str) -> None:
    limits = Limits(Decimal(1000), orders_per_minute=3, orders_per_day=20, daily_spend_usdt=Decimal(1000))

    assert reservation(Decimal("10.01"), Decimal(slippage), Decimal(1000), a_committed(), limits) == Decimal(expected)


def test_what_was_spent_this_day_leaves_less_room_for_the_slippage() -> None:
    limits = Limits(Decimal(1000), orders_per_minute=3, orders_per_day=20, daily_spend_usdt=Decimal(500))
    spent_today = a_committed(day_spent_usdt=Decimal(397))

    assert reservation(Decimal(100), Decimal(5), Decimal(1000), spent_today, limits) == 103
