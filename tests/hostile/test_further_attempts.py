"""D9: the first order meets an empty book, or a price just above its cap, in its one millisecond."""

from decimal import Decimal

import pytest

from shared.events import TradeStatus
from tests.hostile.ground import Ground

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]


async def test_a_first_order_that_is_cancelled_unfilled_is_followed_by_one_that_buys(fresh_ground: Ground) -> None:
    ground = fresh_ground
    await ground.exchange.arm("order_ends", side="BUY")
    async with ground.executor():
        listing = await ground.buys("EMPTYUSDT")
        order = await ground.order("EMPTYUSDT", "filled")
        told = await ground.told(listing)

    first, second = await ground.posted("EMPTYUSDT")
    assert first["client_order_id"] == order["client_order_id"]
    assert second["client_order_id"] == order["attempt_id"]
    assert [each.status for each in told] == [TradeStatus.FILLED]
    await ground.agrees()


async def test_a_coin_that_is_offered_a_moment_later_is_bought_then(fresh_ground: Ground) -> None:
    ground = fresh_ground
    async with ground.executor():
        await ground.announces(await ground.lists("LATERUSDT", asks=[("1.5", "100000")]))
        await ground.order("LATERUSDT", "acknowledged", within_seconds=5)
        await ground.exchange.script("LATERUSDT", asks=[("1.02", "100000")], bids=[("0.99", "100000")])
        order = await ground.order("LATERUSDT", "filled")

    assert order["cost"] / order["executed_qty"] == Decimal("1.02")
    assert len(await ground.posted("LATERUSDT")) == 2
    await ground.agrees()
