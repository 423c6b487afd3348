"""Lies that no row names, two and three at once."""

from datetime import timedelta
from typing import Final

import pytest

from tests.hostile.ground import Ground
from tests.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

LOOKS: Final = "GET /api/v3/order, GET /api/v3/openOrders, GET /api/v3/allOrders, GET /api/v3/myTrades"


async def test_a_ban_with_a_sale_behind_it_while_the_balance_lags_sells_once(ground: Ground) -> None:
    await ground.staffed(stop_loss_pct=20)
    await ground.buys("LAGUSDT")
    await ground.exchange.arm("balance_lag", side="SELL", seconds=4)
    await ground.exchange.arm("http_status", side="SELL", status=418, accept=True, retry_after=1)
    await ground.falls("LAGUSDT")
    await ground.sold("LAGUSDT", within_seconds=20)

    assert len([each for each in await ground.posted("LAGUSDT", "SELL") if each["accepted"]]) == 1


async def test_an_opening_that_moves_away_while_the_order_is_being_sent_is_bought_once(ground: Ground) -> None:
    await ground.staffed(retry_seconds=1)
    listing = await ground.lists("AWAYUSDT", opens_in=1)
    listing = listing.model_copy(update={"opens_at": ground.now() + timedelta(seconds=1)})
    await ground.exchange.arm("latency", seconds=1)
    await ground.announces(listing)
    await eventually(lambda: ground.posted("AWAYUSDT"))
    await ground.exchange.change_coin("AWAYUSDT", opens_in=3)
    await ground.reschedules(listing, ground.now() + timedelta(seconds=3))
    await ground.position("AWAYUSDT", "open", within_seconds=20)

    assert len([each for each in await ground.posted("AWAYUSDT") if each["accepted"]]) == 1


async def test_rate_limits_on_every_look_up_and_a_restart_while_a_purchase_is_in_doubt_lose_nothing(
    ground: Ground,
) -> None:
    first = await ground.staffed(stop_loss_pct=20)
    await ground.exchange.arm("hang_after_accept")
    await ground.exchange.arm("http_status", endpoint=LOOKS, status=429, retry_after=1, count=3)
    await ground.announces(await ground.lists("LIMITUSDT"))
    await ground.order("LIMITUSDT", "unknown")
    await first.kill()
    await ground.staffed(stop_loss_pct=20)
    await ground.position("LIMITUSDT", "open", within_seconds=20)

    assert len(await ground.posted("LIMITUSDT")) == 1


async def test_a_fee_in_coins_that_leaves_less_than_the_scale_is_sold_as_far_as_it_goes(ground: Ground) -> None:
    await ground.staffed(stop_loss_pct=20)
    await ground.buys("SCALEUSDT", quantity_decimals=0, fee_asset="base")
    await ground.falls("SCALEUSDT")
    await eventually(lambda: ground.posted("SCALEUSDT", "SELL"))
    await eventually(lambda: is_nearly_sold(ground, "SCALEUSDT"))


async def is_nearly_sold(ground: Ground, symbol: str) -> bool:
    """Return whether less than one whole coin is left: the exchange takes no part of one."""
    [row] = await ground.rows("SELECT base_qty FROM positions WHERE symbol = $1", symbol)
    return bool(row["base_qty"] < 1)


async def test_a_suspension_during_a_sale_behind_a_504_is_settled_and_sold_once(ground: Ground) -> None:
    await ground.allows(trade_usdt=100, position_usdt=1000)
    await ground.staffed(stop_loss_pct=20, suspended_check_seconds=1)
    await ground.buys("HALFUSDT")
    await ground.exchange.arm("http_status", side="SELL", status=504, accept=False)
    await ground.falls("HALFUSDT")
    await ground.sale_on_the_wire("HALFUSDT")
    await ground.exchange.change_coin("HALFUSDT", status="suspended")
    await ground.looked(times=5)
    await ground.exchange.change_coin("HALFUSDT", status="trading")
    await ground.sold("HALFUSDT", within_seconds=20)

    assert len([each for each in await ground.posted("HALFUSDT", "SELL") if each["accepted"]]) == 1
