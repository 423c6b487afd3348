"""States of orders and positions equal the executor's, which the API must not import."""

from typing import get_args

from api.reading.lists.filters import OrderState, PositionState
from executor.model import order_state, position


def test_orders_can_be_asked_for_in_every_state_there_is() -> None:
    assert list(get_args(OrderState)) == list(order_state.OrderState)


def test_positions_can_be_asked_for_in_every_state_there_is() -> None:
    assert list(get_args(PositionState)) == list(position.PositionState)
