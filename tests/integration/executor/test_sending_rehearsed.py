"""The way out of an order with a moment is gone once right before it, and nothing leaves by that."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from types import FrameType

from executor.sending.order_sender import OrderDispatch
from shared.events import utc_now
from shared.mexc.http.connection import HttpConnection
from tests.support.running.desks import ONE_DOLLAR, SECONDS, Desk, desk, fresh
from tests.support.running.executors import RULES
from tests.support.running.simulators import Simulator
from tests.waiting import eventually

WRITE, COMMITTED = HttpConnection.exchange.__code__, OrderDispatch.send.__code__


class Steps:
    """Writes of orders, real and rehearsed, and commits of purchases, as they happen."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is COMMITTED:
            self.taken.append("committed")
        if event == "call" and frame.f_code is WRITE and "reply" not in frame.f_locals:  # Else the answer is there.
            self.taken.append("written" if type(frame.f_locals["self"]) is HttpConnection else "rehearsed")


@contextmanager
def followed() -> Iterator[Steps]:
    steps, before = Steps(), sys.getprofile()
    sys.setprofile(steps)
    try:
        yield steps
    finally:
        sys.setprofile(before)


async def test_a_purchase_without_a_moment_is_not_rehearsed_beside_its_commit(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, rehearsal_seconds=0) as opened:
        await simulator.list_coin("FIRSTUSDT", **ONE_DOLLAR)
        with followed() as steps:
            await opened.tell(fresh("FIRSTUSDT", price=Decimal(1), rules=RULES))
            await opened.position_in("FIRSTUSDT", "open")

        assert steps.taken == ["committed", "written"]
        assert len(await simulator.orders("FIRSTUSDT")) == 1


async def test_a_sale_is_not_rehearsed_beside_its_commit(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, stop_loss_pct=10, rehearsal_seconds=0) as opened:
        await opened.buy("SOLDUSDT")
        with followed() as steps:
            await opened.move("SOLDUSDT", "0.85")
            await opened.position_in("SOLDUSDT", "closed")

        assert steps.taken == ["written"]
        assert len(await opened.sent_sales("SOLDUSDT")) == 1


async def test_an_order_with_a_moment_is_rehearsed_right_before_it(
    database_url: str, simulator: Simulator, tmp_path: Path
) -> None:
    async with desk(database_url, simulator, tmp_path, rehearsal_seconds=0) as opened:
        opens_at = utc_now() + timedelta(seconds=3)
        await simulator.list_coin("LATERUSDT", 3, **ONE_DOLLAR)
        with followed() as steps:
            await opened.tell(fresh("LATERUSDT", opens_at=opens_at))
            await opened.position_in("LATERUSDT", "open")

        first = steps.taken.index("written")  # One that came before its time is followed by another.
        assert steps.taken[first - 1] == "rehearsed"
        assert steps.taken.count("written") == len(await simulator.orders("LATERUSDT"))


async def test_a_dry_run_has_no_way_out_to_rehearse(database_url: str, simulator: Simulator, tmp_path: Path) -> None:
    async with desk(database_url, simulator, tmp_path, live=False, rehearsal_seconds=0) as opened:
        with followed() as steps:
            await opened.buy("PAPERUSDT")
            await eventually(lambda: settled(opened), within_seconds=SECONDS)

        assert "committed" in steps.taken
        assert "rehearsed" not in steps.taken


async def settled(opened: Desk) -> bool:
    return bool(await opened.rows("SELECT FROM orders WHERE state = 'filled'"))
