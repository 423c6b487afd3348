"""Figures that must not be made up, and counts that must not run out."""

import pytest

from shared.events import Side, TradeStatus
from tests.hostile.ground import Ground

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]


async def test_an_order_whose_answer_was_lost_is_told_with_the_time_until_it_was_found(ground: Ground) -> None:
    """M22: never with 0, which would be the quickest of all."""
    await ground.staffed()
    await ground.exchange.arm("drop_connection", accept=True, side="BUY")
    lost = await ground.buys("LOSTUSDT")
    [filled] = [each for each in await ground.told(lost) if each.status is TradeStatus.FILLED]

    assert filled.latency_ms > 0
    assert filled.ack_latency_ms is None


async def test_an_order_whose_answer_came_is_told_with_its_latency(ground: Ground) -> None:
    """M22."""
    await ground.staffed()
    heard = await ground.buys("HEARDUSDT")
    [filled] = [each for each in await ground.told(heard) if each.status is TradeStatus.FILLED]

    assert filled.ack_latency_ms is not None
    assert filled.ack_latency_ms == filled.latency_ms


async def test_the_32768th_sale_of_a_position_is_made_like_every_other(ground: Ground) -> None:
    """M33."""
    await ground.staffed(stop_loss_pct=20)
    await ground.buys("OFTENUSDT")
    await ground.execute("UPDATE positions SET sales = 32767 WHERE symbol = 'OFTENUSDT'")
    await ground.falls("OFTENUSDT")
    await ground.sold("OFTENUSDT")
    sale = await ground.order("OFTENUSDT", "filled", side=Side.SELL)

    assert sale["sequence"] == 32_768
