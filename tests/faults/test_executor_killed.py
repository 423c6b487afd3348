"""An executor that is killed at any moment around an order: rows 8, 9 and 10."""

from typing import Final

import pytest

from tests.faults.ground import Ground
from tests.faults.steps import FOLLOWED, PLACES, POINTS
from tests.support.running.compositions import normal_way_only
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

UNSENT: Final = frozenset({"after reservation_sql.RESERVE", "before send"})
"""The decision is committed, and nothing was written."""
ANYWHERE: Final = "after handle"
"""The order is on its way meanwhile."""


@normal_way_only("test_express_killed.py has the points of the express way")
async def test_every_await_between_a_listing_and_its_trade_is_a_point_of_these_tests(ground: Ground) -> None:
    executor = await ground.relieved()
    listing = await ground.lists()
    await ground.publish(listing)
    await ground.becomes(listing, "filled")
    await executor.reaches("after outbox.REMOVE")

    assert sorted(executor.passed) == sorted(POINTS)
    # The message is answered beside what becomes of the order.
    in_turn = [point for point in executor.passed if not point.endswith("handle")]
    assert {point: in_turn[in_turn.index(point) + 1] for point in FOLLOWED} == FOLLOWED


@pytest.mark.parametrize("point", PLACES)
async def test_an_executor_killed_at_any_point_leaves_one_order_or_none_and_its_successor_settles_it(
    ground: Ground, point: str
) -> None:
    executor = await (ground.relieved() if "reservation_sql.READ" in point else ground.staffed())
    listing = await ground.lists()
    await executor.hold(point)
    await ground.publish(listing)
    await executor.reaches(point)
    await executor.kill()

    await ground.staffed()
    order = await ground.becomes(listing, "filled", "failed")
    await ground.settled()

    placed, posted = await ground.placed(listing), await ground.posted(listing)
    assert len(placed) == len(posted) == (order["state"] == "filled")
    if point != ANYWHERE:
        assert order["state"] == ("failed" if point in UNSENT else "filled")
    assert [each.error_reason for each in ground.told(listing)][-1] == (None if placed else "never_arrived")


@pytest.mark.parametrize("accept", [True, False], ids=["taken", "not taken"])
async def test_an_executor_killed_while_its_request_is_at_the_exchange_does_not_send_another(
    ground: Ground, *, accept: bool
) -> None:
    listing = await ground.lists()
    await ground.simulator.arm("hold", accept=accept)
    executor = await ground.staffed()
    await ground.publish(listing)
    await eventually(lambda: ground.posted(listing))
    await executor.kill()
    await ground.staffed()
    order = await ground.becomes(listing, "filled", "failed")
    # Its sender is long gone: what is handled only now is too old.
    await ground.simulator.disarm()
    await ground.settled()

    assert order["state"] == ("filled" if accept else "failed")
    assert len(await ground.posted(listing)) == 1
