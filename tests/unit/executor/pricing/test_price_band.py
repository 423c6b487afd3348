"""The prices that the exchange takes, and the nearest of them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.pricing.symbol_bounds import STRAIGHT_AFTER, Band, band_of, final_price, nearest_price
from shared.events import Side, TradingRules
from tests.support.data.strategies import steady

BUY, SELL = Side.BUY, Side.SELL
TWO = Decimal(2)
PRICES = st.decimals("0.000001", 10**6, places=6)


def test_a_band_lies_around_the_last_price_and_within_the_bounds_of_the_symbol() -> None:
    rules = TradingRules(price_up=Decimal("1.1"), price_down=Decimal("0.9"), price_min=Decimal(1), price_max=Decimal(9))

    assert band_of(rules, TWO) == Band(highest=Decimal("2.2"), lowest=Decimal("1.8"))
    assert band_of(rules, Decimal("0.5")) == Band(highest=Decimal("0.55"), lowest=Decimal(1))
    assert band_of(rules, Decimal(100)) == Band(highest=Decimal(9), lowest=Decimal(90))


@pytest.mark.parametrize("last", [None, Decimal("NaN"), Decimal(0), Decimal(-1), Decimal("Infinity")])
def test_without_a_last_price_only_the_bounds_of_the_symbol_count(last: Decimal | None) -> None:
    rules = TradingRules(price_up=Decimal("1.1"), price_down=Decimal("0.9"), price_max=Decimal(9))

    assert band_of(rules, last) == Band(highest=Decimal(9))


def test_no_rules_draw_no_band() -> None:
    assert band_of(TradingRules(), TWO) == Band()


def test_a_sale_goes_no_lower_than_its_band() -> None:
    assert final_price(SELL, TWO, Band(lowest=Decimal(1))) == 2
    assert final_price(SELL, TWO, Band(lowest=Decimal(4))) == 4
    assert final_price(SELL, TWO, Band()) == 2


@steady
@given(wish=PRICES, bound=st.none() | PRICES)
def test_a_price_is_moved_no_further_than_the_band_wants(wish: Decimal, bound: Decimal | None) -> None:
    bought, sold = final_price(BUY, wish, Band(highest=bound)), final_price(SELL, wish, Band(lowest=bound))

    assert bought <= wish <= sold
    assert bound is None or (bought <= bound <= sold and {bought, sold} <= {wish, bound})


@steady
@given(refused=PRICES, bound=st.none() | PRICES, last=st.none() | PRICES, tried=st.integers(0, 3))
def test_the_price_after_a_refused_one_is_nearer_or_there_is_none(
    refused: Decimal, bound: Decimal | None, last: Decimal | None, tried: int
) -> None:
    for side, band in ((BUY, Band(highest=bound)), (SELL, Band(lowest=bound))):
        price = nearest_price(side, refused, band, last, tried)
        nearer = [each for each in (bound, last) if each is not None and (each < refused) == (side is BUY)]
        nearer = [each for each in nearer if each != refused]
        assert (price is None) == (not nearer)
        assert price is None or (price < refused if side is BUY else price > refused)


def test_without_a_band_it_goes_half_the_way_to_the_last_price_and_then_all_of_it() -> None:
    assert nearest_price(BUY, Decimal(3), Band(), TWO, STRAIGHT_AFTER - 1) == Decimal("2.5")
    assert nearest_price(SELL, Decimal(1), Band(), TWO, STRAIGHT_AFTER) == 2
