from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.model.fill import Fill, fees_of, fill_with_fees
from executor.model.money import CENT
from tests.support.data.strategies import steady

QUANTITIES = st.decimals(min_value="1E-8", max_value="1E12", places=8)
COSTS = st.decimals(min_value="1E-12", max_value="1E9", places=12).filter(bool)
ASSETS = st.sampled_from(["USDT", "ABC", "MX"])


def a_fill(base_qty: str = "50", cost: str = "99.951", fee: str = "0.05", fee_asset: str = "USDT") -> Fill:
    return Fill(Decimal(base_qty), Decimal(cost), Decimal(fee), fee_asset, complete=True)


def test_a_buyer_pays_the_fee_on_top_in_whole_cents_rounded_up() -> None:
    assert a_fill().quote_spent("USDT") == Decimal("100.01")
    assert a_fill().base_bought("ABC") == Decimal(50)


def test_a_seller_gets_what_the_fee_leaves_in_whole_cents_rounded_down() -> None:
    assert a_fill(cost="99.969").quote_received("USDT") == Decimal("99.91")
    assert a_fill().base_sold("ABC") == Decimal(50)


def test_a_fee_in_the_coin_is_missing_from_what_is_held() -> None:
    fill = a_fill(fee="0.025", fee_asset="ABC")

    assert (fill.base_bought("ABC"), fill.quote_spent("USDT")) == (Decimal("49.975"), Decimal("99.96"))
    assert (fill.base_sold("ABC"), fill.quote_received("USDT")) == (Decimal("50.025"), Decimal("99.95"))


def test_a_fee_in_a_third_asset_touches_neither() -> None:
    fill = a_fill(fee="3", fee_asset="MX")

    assert (fill.base_bought("ABC"), fill.quote_spent("USDT")) == (Decimal(50), Decimal("99.96"))
    assert (fill.base_sold("ABC"), fill.quote_received("USDT")) == (Decimal(50), Decimal("99.95"))


def test_a_fee_above_the_proceeds_leaves_nothing() -> None:
    assert a_fill(cost="0.04").quote_received("USDT") == Decimal("0.00")


@pytest.mark.parametrize(("cost", "spent"), [("100", "100.00"), ("100.00", "100.00"), ("100.000000000001", "100.01")])
def test_whole_cents_are_not_rounded_up(cost: str, spent: str) -> None:
    assert a_fill(cost=cost, fee="0").quote_spent("USDT") == Decimal(spent)


def test_a_fee_too_small_for_ordinary_arithmetic_still_counts() -> None:
    tiny = Decimal("1E-30")
    in_dollars = Fill(Decimal(50), Decimal(100), tiny, "USDT", complete=True)
    in_coins = Fill(Decimal(50), Decimal(100), tiny, "ABC", complete=True)

    assert (in_dollars.quote_spent("USDT"), in_dollars.quote_received("USDT")) == (Decimal("100.01"), Decimal("99.99"))
    assert in_coins.base_bought("ABC") < 50 < in_coins.base_sold("ABC")


@steady
@given(base_qty=QUANTITIES, cost=COSTS, fee=COSTS, fee_asset=ASSETS)
def test_exposure_is_never_understated_and_by_less_than_a_cent_overstated(
    base_qty: Decimal, cost: Decimal, fee: Decimal, fee_asset: str
) -> None:
    fill = Fill(base_qty, cost, fee, fee_asset, complete=True)
    with localcontext(Context(prec=100)):
        paid = cost + (fee if fee_asset == "USDT" else 0)

        assert paid <= fill.quote_spent("USDT") < paid + CENT
        assert fill.quote_received("USDT") <= cost
        assert abs(fill.average_price * base_qty - cost) <= cost * Decimal("1E-27")


def test_a_fee_taken_partly_in_the_coin_and_partly_in_money_counts_in_both() -> None:
    fees = fees_of("ABC", "USDT", [("USDT", Decimal("0.02")), ("ABC", Decimal("0.025")), ("MX", Decimal(1))])
    fill = fill_with_fees(Decimal(50), Decimal(100), fees, "USDT", complete=True)

    assert fill.quote_spent("USDT") == Decimal("100.02")
    assert fill.base_bought("ABC") == Decimal("49.975")
    assert (fill.quote_received("USDT"), fill.base_sold("ABC")) == (Decimal("99.98"), Decimal("50.025"))
    assert (fill.fee, fill.fee_asset) == (Decimal("0.025"), "ABC")
    assert dict(fill.fees) == {"ABC": Decimal("0.025"), "USDT": Decimal("0.02"), "MX": Decimal(1)}


def test_fees_are_summed_by_asset_and_one_without_an_asset_counts_as_money() -> None:
    fees = fees_of(
        "ABC", "USDT", [("MX", Decimal(1)), (None, Decimal("0.01")), ("USDT", Decimal("0.02")), ("BNB", Decimal(0))]
    )

    assert list(fees.items()) == [("USDT", Decimal("0.03")), ("MX", Decimal(1))]


def test_where_no_fee_was_taken_it_is_nought_of_the_money() -> None:
    fill = fill_with_fees(Decimal(50), Decimal(100), {}, "USDT", complete=False)

    assert (fill.fee, fill.fee_asset, fill.complete) == (Decimal(0), "USDT", False)


def test_the_smallest_fee_beside_the_largest_is_not_lost() -> None:
    fees = fees_of("ABC", "USDT", [("ABC", Decimal("1E+20")), ("ABC", Decimal("1E-20"))])

    assert fees == {"ABC": Decimal("100000000000000000000.00000000000000000001")}


def test_equal_fills_are_one() -> None:
    assert len({a_fill(), a_fill()}) == 1
