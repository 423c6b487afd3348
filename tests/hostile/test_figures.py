"""Figures that must not be made up, and counts that must not run out."""

from decimal import Decimal
from typing import Any, Final

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


NONSENSE: Final[dict[str, tuple[str, Any]]] = {
    "a fee that is no number": ("commission", "NaN"),
    "no fee at all": ("commission", None),
    "a fee beyond all money": ("commission", "1e29"),
    "a rebate": ("commission", "-0.001"),
    "more coins than there are": ("qty", "1e29"),
    "more money than there is": ("quoteQty", "1e29"),
    "no coins": ("qty", "0"),
    "a list that cannot be read": ("isBuyer", "perhaps"),
}


@pytest.mark.parametrize("lie", NONSENSE)
async def test_an_order_whose_trades_make_no_sense_is_held_in_its_own_figures_and_sold(
    ground: Ground, lie: str
) -> None:
    """Its cost is rather too high than too low; and nothing that cannot be is written down."""
    column, value = NONSENSE[lie]
    symbol = f"LIE{list(NONSENSE).index(lie)}USDT"
    await ground.staffed(stop_loss_pct=20, trades_seconds=1)
    await ground.exchange.arm("bad_rows", column=column, value=value, count=None)
    await ground.buys(symbol)
    position = await ground.position(symbol, "open")
    [fill] = [each for each in (await ground.exchange.spending())["fills"] if each["symbol"] == symbol]
    await ground.falls(symbol)
    sold = await ground.sold(symbol)

    paid = Decimal(fill["quote_value"])
    assert position["bought_qty"] == Decimal(fill["quantity"])
    assert paid * Decimal("0.9999") <= position["paid"] <= paid * Decimal("1.003")
    assert sold["proceeds"] <= paid


async def test_an_order_whose_trades_are_not_to_be_had_is_held_in_its_own_figures_and_sold(ground: Ground) -> None:
    await ground.staffed(stop_loss_pct=20, trades_seconds=1)
    await ground.exchange.arm("http_status", endpoint="GET /api/v3/myTrades", status=503, count=None)
    await ground.buys("UNTRADEDUSDT")
    await ground.falls("UNTRADEDUSDT")

    await ground.sold("UNTRADEDUSDT")
