"""An opening that is in hand, and what must not keep an order from it."""

import asyncio
from datetime import datetime, timedelta
from typing import cast

from executor.journal.order_transitions import OrderTransitions
from executor.model.decided import Decided, Outcome
from executor.model.order import Order
from executor.openings.scheduler import DECIDE_MS, PREPARE_MS, OpeningScheduler
from executor.sending.order_sender import OrderSender
from executor.sending.presend_check import ExchangeTime
from executor.sending.purchase_decisions import PurchaseDecisions
from executor.sending.request_builder import RequestBuilder
from tests.support.data.builders import NOON, an_order
from tests.support.fakes.virtual_time import VirtualLoop

OPENS_AT = NOON + timedelta(seconds=3)


class Desk:
    """What a schedule works with: one order is armed, and what is asked for it is never answered."""

    def __init__(self) -> None:
        self.order = an_order(fire_at=OPENS_AT)
        self.prefetched_at: list[datetime] = []
        self.decided_at: list[datetime] = []
        self.placed = asyncio.Event()
        self._began = asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return NOON + timedelta(seconds=asyncio.get_running_loop().time() - self._began)

    def now_ms(self) -> int:
        return round(self.now().timestamp() * 1000)

    def is_known(self) -> bool:
        return True

    async def armed(self, _: object) -> list[Order]:
        return [] if self.decided_at else [self.order]

    async def waits(self, _: Order) -> bool:
        return True

    async def prefetch(self, _: Order) -> None:
        self.prefetched_at.append(self.now())
        await asyncio.Event().wait()

    async def fire(self, order: Order) -> Decided:
        self.decided_at.append(self.now())
        return Decided(Outcome.BUY, order)

    async def place(self, _: Order, *, at_ms: int) -> None:
        assert at_ms == OPENS_AT.timestamp() * 1000
        self.placed.set()


def test_a_question_that_waits_for_the_rate_limits_makes_no_order_miss_its_opening() -> None:
    async def scheduled() -> Desk:
        desk, until = Desk(), asyncio.Event()
        schedule = OpeningScheduler(
            cast("OrderTransitions", desk),
            cast("PurchaseDecisions", desk),
            cast("OrderSender", desk),
            cast("RequestBuilder", desk),
            cast("ExchangeTime", desk),
            max_wait=timedelta(hours=1),
        )
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            tasks.create_task(schedule.run(until))
            await desk.placed.wait()
            until.set()
        return desk

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = cast("VirtualLoop", runner.get_loop())
        loop.is_busy = lambda: False
        desk = runner.run(scheduled())

    assert OPENS_AT - desk.prefetched_at[0] <= timedelta(milliseconds=PREPARE_MS)
    assert timedelta() < OPENS_AT - desk.decided_at[0] <= timedelta(milliseconds=DECIDE_MS)
