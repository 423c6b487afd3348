"""A committed purchase leaves ahead of everything else that follows from its commit."""

import asyncio
from datetime import datetime
from typing import cast

from executor.model import Order
from executor.sending.order_sender import OrderDispatch, OrderSender
from tests.support.data.builders import NOON, an_order


class Sender:
    """An `OrderSender` whose orders leave as soon as they are placed."""

    def __init__(self, happened: list[object]) -> None:
        self._happened = happened

    def prepare(self, order: Order) -> None: ...

    def forget(self, order: Order) -> None: ...

    def rehearse(self, order: Order) -> None: ...

    async def place(self, _: Order) -> None:
        self._happened.append("left")


async def test_the_commit_is_counted_once_the_order_has_left_as_of_when_it_was() -> None:
    happened: list[object] = []
    order = an_order()

    def committed(each: Order, at: datetime) -> None:
        happened.append((each, at))

    async with asyncio.TaskGroup() as tasks:
        dispatch = OrderDispatch(cast("OrderSender", Sender(happened)), tasks, committed, now=lambda: NOON)
        dispatch.send(order)
        assert happened == []

    assert happened == ["left", (order, NOON)]
