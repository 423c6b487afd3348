"""When a day's loss halts purchases."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.pricing.fair_values import FairValues, Holding
from executor.supervision.daily_loss_breaker import is_too_much, loss_of
from tests.unit.executor.decisions.test_exit_triggers import a_position

MONEY = st.decimals(min_value=Decimal(-100_000), max_value=Decimal(100_000), places=4)


@pytest.mark.parametrize(
    ("realised", "unrealised", "loss"),
    [
        ("-90", "-10.001", "100.01"),
        ("-90", "40", "90"),  # A gain on paper makes up for nothing.
        ("40", "-100", "60"),
        ("40", "-10", "0"),
        ("0", "0", "0"),
    ],
)
def test_losses_on_paper_count_and_gains_on_paper_do_not(realised: str, unrealised: str, loss: str) -> None:
    assert loss_of(Decimal(realised), Decimal(unrealised)) == Decimal(loss)


@given(realised=MONEY, unrealised=MONEY, more=st.decimals(min_value=0, max_value=1000, places=4))
def test_to_lose_more_is_never_less_of_a_loss(realised: Decimal, unrealised: Decimal, more: Decimal) -> None:
    loss = loss_of(realised, unrealised)

    assert loss >= 0
    assert loss_of(realised - more, unrealised) >= loss
    assert loss_of(realised, unrealised - more) >= loss


def test_after_a_resumption_as_much_again_may_be_lost() -> None:
    assert is_too_much(Decimal(100), known=Decimal(0), loss_max=Decimal(100))
    assert not is_too_much(Decimal(349), known=Decimal(250), loss_max=Decimal(100))
    assert is_too_much(Decimal(350), known=Decimal(250), loss_max=Decimal(100))


def test_what_is_held_is_worth_the_middle_of_its_book_and_what_was_paid_before_one_was_seen() -> None:
    values, position = FairValues(), a_position(base_qty=Decimal(100), cost_usdt=Decimal(100))
    held = [Holding(position.name, position.base_qty, position.cost_usdt)]

    assert values.unrealised(held) == 0
    values.record(position, Decimal("0.8"))
    assert values.unrealised(held) == -20
    values.record(position, None)
    assert values.unrealised(held) == -20
    assert values.unrealised([]) == 0
    values.forget_all_but([position.name])
    assert values.unrealised(held) == -20
    values.forget_all_but([])
    assert values.unrealised(held) == 0


def test_what_was_sold_meanwhile_counts_by_its_result_alone() -> None:
    """The price was seen before a half was sold."""
    values, position = FairValues(), a_position(base_qty=Decimal(100), cost_usdt=Decimal(100))
    values.record(position, Decimal("0.8"))

    assert values.unrealised([Holding(position.name, Decimal(50), Decimal(50))]) == -10
