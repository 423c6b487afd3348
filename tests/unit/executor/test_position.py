from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from executor.fills import Fill
from executor.position import Position, PositionState, after_sale, given_up
from shared.events import Mode
from tests.builders import NOON, a_listing
from tests.strategies import steady

NOTHING = Decimal(0)
HELD = Position(
    listing=a_listing(),
    mode=Mode.LIVE,
    state=PositionState.CLOSING,
    base_qty=Decimal(30),
    cost_usdt=Decimal("100.00"),
    average_price=Decimal("3.33"),
    peak_price=Decimal("3.33"),
    received_usdt=Decimal(0),
    sales=1,
    opened_at=NOON,
)


def sold(quantity: object, *, fee: object = 0, fee_asset: str = "USDT") -> Fill:
    base_qty = Decimal(str(quantity))
    return Fill(base_qty, base_qty * 4, Decimal(str(fee)), fee_asset, complete=True)


def test_a_sale_that_brought_nothing_leaves_all_of_it_open() -> None:
    assert after_sale(HELD, None) == replace(HELD, state=PositionState.OPEN)


def test_selling_all_closes_it_and_frees_its_cost() -> None:
    after = after_sale(HELD, sold(30, fee="0.06"))

    assert (after.state, after.base_qty, after.cost_usdt) == (PositionState.CLOSED, NOTHING, NOTHING)
    assert after.received_usdt == Decimal("119.94")


def test_selling_a_part_frees_its_share_rounded_down() -> None:
    after = after_sale(HELD, sold(10))

    assert (after.state, after.base_qty, after.cost_usdt) == (PositionState.OPEN, Decimal(20), Decimal("66.67"))
    assert after.received_usdt == 40


def test_a_fee_in_coins_is_sold_too() -> None:
    assert after_sale(HELD, sold("29.97", fee="0.03", fee_asset="ABC")).state is PositionState.CLOSED


def test_dust_is_at_stake_no_more_and_still_held() -> None:
    after = given_up(HELD)

    assert (after.state, after.base_qty, after.cost_usdt) == (PositionState.DUST, Decimal(30), NOTHING)


@steady
@given(st.lists(st.decimals("0.01", 12, places=2), min_size=1, max_size=20))
def test_however_it_is_sold_no_more_is_freed_than_it_cost_and_all_in_the_end(quantities: list[Decimal]) -> None:
    position, costs = HELD, [HELD.cost_usdt]
    for quantity in [*quantities, HELD.base_qty]:
        if position.state is not PositionState.CLOSED:
            position = after_sale(position, sold(min(quantity, position.base_qty)))
            costs.append(position.cost_usdt)

    assert costs == sorted(costs, reverse=True)
    assert (costs[-1], position.base_qty) == (NOTHING, NOTHING)
