"""Look-ups and the quiet that the exchange asks for, on a machine that sleeps meanwhile."""

import asyncio
from collections.abc import Collection, Sequence
from typing import cast

import pytest

from executor.journal.order_transitions import OrderTransitions
from executor.model import Order
from executor.reconciliation.order_reconciler import OrderReconciler
from executor.sending.order_sender import OrderSender
from executor.settings import ExecutorSettings
from executor.venues.venue import EVERY_WAY, Finding, Venue, Way
from shared.events import Mode
from shared.mexc.errors import QUIET_LOOK_SECONDS, RateLimited
from tests.support.data.builders import NOON, an_order
from tests.support.fakes.virtual_time import VirtualLoop

BAN_SECONDS = 7200.0


class Ground:
    """One order that is not settled, at an exchange that bans, with nobody else to tell of the ban."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.slept_seconds = 0.0
        self.looked_up_at: list[float] = []
        self.recorded = asyncio.Event()

    def boot(self) -> float:
        return self.loop.time() + self.slept_seconds

    async def at_large(self, _: object) -> Sequence[Order]:
        return [an_order()]

    async def look_up(self, _: Order, __: Collection[Way] = EVERY_WAY, /, *, has_ended: bool = False) -> Finding:
        assert not has_ended
        self.looked_up_at.append(self.loop.time())
        raise RateLimited(BAN_SECONDS, banned=True)

    def has_in_hand(self, _: Order) -> bool:
        return False

    def banned_seconds(self) -> float:
        return 0.0

    def tries_again(self, *_: object) -> bool:
        return False

    def reconciler(self) -> OrderReconciler:
        return OrderReconciler(
            {Mode.DRY_RUN: cast("Venue", self)},
            cast("OrderTransitions", self),
            cast("OrderSender", self),
            ExecutorSettings(),
            now=lambda: NOON,
            alert=lambda _: None,
            clock=self.boot,
        )


@pytest.mark.parametrize(
    ("slept_seconds", "earliest", "latest"),
    [(0.0, BAN_SECONDS, BAN_SECONDS + 2), (BAN_SECONDS, 0.0, QUIET_LOOK_SECONDS + 2)],
    ids=["awake", "asleep"],
)
def test_look_ups_go_on_at_the_end_of_a_ban(slept_seconds: float, earliest: float, latest: float) -> None:
    async def looked_up_again_after() -> float:
        ground, until = Ground(cast("VirtualLoop", asyncio.get_running_loop())), asyncio.Event()
        running = asyncio.create_task(ground.reconciler().run(until))
        while len(ground.looked_up_at) < 2:
            await asyncio.sleep(3)  # By now the reconciler waits for the end of the ban.
            ground.slept_seconds = slept_seconds
        until.set()
        ground.recorded.set()
        await running
        return ground.looked_up_at[1] - ground.looked_up_at[0]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        cast("VirtualLoop", runner.get_loop()).is_busy = lambda: False
        assert earliest <= runner.run(looked_up_again_after()) <= latest
