"""Lies that the core has always borne: they prove the ground."""

from decimal import Decimal

import pytest

from shared.events import TradeStatus
from tests.hostile.ground import Ground

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]


async def test_a_429_without_an_order_behind_it_delays_a_purchase_and_doubles_nothing(ground: Ground) -> None:
    await ground.exchange.arm("http_status", status=429, retry_after=1)
    await ground.staffed()
    listing = await ground.buys("BUSYUSDT")
    await ground.order("BUSYUSDT", "filled")

    assert [each["status"] for each in await ground.posted("BUSYUSDT")] == [429, 200]
    assert (await ground.told(listing))[-1].status is TradeStatus.FILLED


async def test_an_empty_book_buys_nothing_and_binds_no_money(ground: Ground) -> None:
    await ground.staffed()
    await ground.announces(await ground.lists("EMPTYUSDT", asks=[], bids=[]))
    ended = await ground.order("EMPTYUSDT", "expired")

    assert ended["error_reason"] == "not_filled"
    assert await ground.exposure() == (Decimal(0), Decimal(0))


async def test_a_stop_is_sold_on_the_market_as_it_is_and_the_ledger_agrees_to_the_last_coin(ground: Ground) -> None:
    await ground.staffed(stop_loss_pct=20)
    await ground.buys("FALLUSDT")
    await ground.exchange.script("FALLUSDT", asks=[("0.71", "100000")], bids=[("0.7", "100000")])
    await ground.exchange.change_coin("FALLUSDT", price="0.7")
    sold = await ground.sold("FALLUSDT")

    assert sold["received_usdt"] < Decimal(70)
    assert len(await ground.posted("FALLUSDT", "SELL")) == 1


async def test_an_exchange_that_loses_an_answer_is_looked_up_and_gets_no_second_order(ground: Ground) -> None:
    await ground.exchange.arm("http_status", status=504, accept=True)
    await ground.staffed()
    await ground.buys("LOSTUSDT")
    await ground.order("LOSTUSDT", "filled")

    assert len(await ground.posted("LOSTUSDT")) == 1
