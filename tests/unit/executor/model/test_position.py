"""What a sale leaves of a position, to the cent."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.model.fill import Fill
from executor.model.money import CENT
from executor.model.position import PositionState, after_sale, written_off
from tests.unit.executor.decisions.test_exit_triggers import a_position

QUANTITIES = st.decimals(min_value=Decimal("1E-8"), max_value=Decimal("1E9"), places=8)
DOLLARS = st.decimals(min_value=Decimal("0.01"), max_value=Decimal("1E6"), places=2)


def sold(base_qty: Decimal, *, cost: str = "10", fee: str = "0", fee_asset: str = "USDT") -> Fill:
    return Fill(base_qty, Decimal(cost), Decimal(fee), fee_asset, complete=True)


def test_a_sale_that_got_nothing_changes_nothing_but_that_it_is_over() -> None:
    closing = a_position(state=PositionState.CLOSING)

    assert after_sale(closing, None) == a_position(state=PositionState.OPEN)


def test_a_sale_of_everything_closes_the_position_and_frees_all_it_cost() -> None:
    closed = after_sale(a_position(), sold(Decimal(100), cost="120.019", fee="0.06"))

    assert (closed.state, closed.base_qty, closed.cost_usdt) == (PositionState.CLOSED, Decimal(0), Decimal(0))
    assert closed.received_usdt == Decimal("119.95")


def test_a_fee_in_the_coin_is_gone_too() -> None:
    closed = after_sale(a_position(), sold(Decimal("99.95"), fee="0.05", fee_asset="ABC"))

    assert (closed.state, closed.base_qty) == (PositionState.CLOSED, Decimal(0))


def test_a_fee_in_a_third_coin_changes_nothing_here() -> None:
    closed = after_sale(a_position(), sold(Decimal(100), cost="120", fee="0.5", fee_asset="MX"))

    assert closed.received_usdt == Decimal("120.00")


def test_what_is_written_off_costs_nothing_any_more() -> None:
    lost = written_off(a_position())

    assert (lost.state, lost.base_qty, lost.cost_usdt) == (PositionState.WRITTEN_OFF, Decimal(100), Decimal(0))


@pytest.mark.parametrize("state", [PositionState.CLOSED, PositionState.WRITTEN_OFF])
def test_a_sale_that_is_confirmed_after_the_end_counts_what_it_brought_and_opens_nothing(state: PositionState) -> None:
    ended = a_position(state=state, base_qty=Decimal(0), cost_usdt=Decimal(0), received_usdt=Decimal(5))

    assert after_sale(ended, None) == ended
    assert after_sale(ended, sold(Decimal(100), cost="120")) == replace(
        ended, received_usdt=Decimal(125), proceeds=Decimal(120)
    )


@given(held=QUANTITIES, parts=st.lists(QUANTITIES, max_size=20), cost=DOLLARS)
def test_however_it_is_sold_all_that_it_cost_is_freed_and_never_more(
    held: Decimal, parts: list[Decimal], cost: Decimal
) -> None:
    position = a_position(base_qty=held, cost_usdt=cost)
    freed = Decimal(0)
    for part in [*parts, held]:
        amount = min(part, position.base_qty)
        if not amount:
            break
        after = after_sale(replace(position, state=PositionState.CLOSING), sold(amount))
        step = position.cost_usdt - after.cost_usdt
        assert step >= 0
        assert step == step.quantize(CENT)
        assert (after.state is PositionState.CLOSED) == (after.base_qty == 0)
        freed, position = freed + step, after

    assert (freed, position.cost_usdt) == (cost, Decimal(0))


@given(held=QUANTITIES, part=QUANTITIES, cost=DOLLARS)
def test_a_part_frees_at_most_its_share(held: Decimal, part: Decimal, cost: Decimal) -> None:
    after = after_sale(a_position(base_qty=held, cost_usdt=cost), sold(min(part, held)))

    assert cost - after.cost_usdt <= cost * min(part, held) / held + Decimal("1E-15")
