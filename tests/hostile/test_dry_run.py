"""A dry run says what a live run would have got: it takes what it took once, when and where an order would be taken."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import pytest
import pytest_asyncio

from executor.settings import ExecutorSettings
from shared.events import Mode, Side
from tests.hostile.ground import Ground
from tests.hostile.tidying import SharedGround

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

APART_MAX: Final = Decimal("0.01")
KEYS: Final = ("SNIPER_MEXC_API_KEY", "SNIPER_MEXC_API_SECRET", "SNIPER_LIVE")
TRADE: Final = "UPDATE trade_config SET auto_trade = $1"
CLOSE: Final = """
INSERT INTO close_requests (listing_key, mode, requested_by)
SELECT listing_key, mode, 'a test' FROM positions WHERE symbol = $1
"""


async def received(ground: Ground, mode: Mode, *bids: tuple[str, str]) -> Decimal:
    """Buy a coin at 1, let its bids be these, sell it by hand, and return what it brought."""
    symbol = f"{mode.name.replace('_', '')}{bids[0][1]}USDT"
    await ground.execute(TRADE, mode is Mode.LIVE)
    await ground.buys(symbol)
    await ground.exchange.script(symbol, bids=bids)
    await ground.execute(CLOSE, symbol)
    position = await ground.sold(symbol)
    assert position["mode"] == mode
    return Decimal(position["received_usdt"])


@pytest.mark.parametrize(
    "bids",
    [[("1.20", "10"), ("0.90", "1000")], [("1.20", "40"), ("1.19", "40"), ("1.18", "40")]],
    ids=["gap", "ladder"],
)
async def test_a_sale_on_paper_takes_each_bid_once_and_brings_what_its_live_twin_brings(
    ground: Ground, bids: list[tuple[str, str]]
) -> None:
    """H1: ten bids at 1.20 were sold to ten times over."""
    await ground.staffed()
    live = await received(ground, Mode.LIVE, *bids)
    paper = await received(ground, Mode.DRY_RUN, *bids)

    assert abs(paper - live) <= live * APART_MAX, f"{paper} on paper, {live} live"
    assert await ground.posted(f"DRYRUN{bids[0][1]}USDT", "SELL") == []


@pytest_asyncio.fixture(loop_scope="module")
async def without_keys(shared_ground: SharedGround) -> AsyncIterator[Ground]:
    """A ground whose executor has no keys of an account."""
    async with shared_ground.lent() as ground:
        before = ground.environment
        await ground.relieved()
        ground.environment = {name: value for name, value in before.items() if name not in KEYS}
        try:
            yield ground
        finally:
            await ground.relieved()
            ground.environment = before


async def test_without_keys_a_listing_that_opens_later_is_bought_on_paper_when_it_opens_and_not_before(
    without_keys: Ground,
) -> None:
    """H2: both are published as open; one opens in two seconds, the other in an hour."""
    ground = without_keys
    await ground.allows(trade_usdt=100, position_usdt=1000)
    await ground.staffed()
    soon, late = await ground.lists("SOONUSDT", opens_in=2), await ground.lists("HOURUSDT", opens_in=3600)
    await ground.announces(late)
    await ground.announces(soon)
    bought = await ground.position("SOONUSDT", "open")
    await ground.order("HOURUSDT", "armed")
    shown = await ground.exchange.coin("SOONUSDT")

    assert bought["mode"] == Mode.DRY_RUN
    assert bought["opened_at"] >= datetime.fromtimestamp(shown["opens_at_ms"] / 1000, UTC)
    assert await ground.rows("SELECT FROM positions WHERE symbol = 'HOURUSDT'") == []
    assert [each for each in await ground.exchange.orders() if each["symbol"] in {"SOONUSDT", "HOURUSDT"}] == []


@pytest.mark.parametrize("mode", [Mode.LIVE, Mode.DRY_RUN])
async def test_an_order_is_as_large_as_it_is_set_where_the_price_holds_and_never_costs_more_than_its_cap(
    ground: Ground, mode: Mode
) -> None:
    """H3: a hundred spent ninety-five; the price is published as 1, and is 1 or 1.05 when the order comes."""
    await ground.staffed(order_usdt=100)
    await ground.allows(trade_usdt=105, position_usdt=1000)
    await ground.execute(TRADE, mode is Mode.LIVE)
    name = mode.name.replace("_", "")
    holds = await ground.buys(f"{name}HOLDUSDT")
    rises = await ground.lists(f"{name}RISEUSDT", asks=[("1.05", "100000")])
    await ground.announces(rises)
    dearer = await ground.position(rises.symbol, "open")
    [kept] = await ground.rows("SELECT * FROM positions WHERE symbol = $1", holds.symbol)
    reserved = {each.reserved_qty for each in await ground.told(holds) if each.side is Side.BUY}

    assert Decimal("99.9") < kept["cost_usdt"] <= 100
    assert Decimal("104.9") < dearer["cost_usdt"] <= 105
    assert reserved == {Decimal(105)}


async def test_a_limit_goes_before_a_size(ground: Ground) -> None:
    """H3: where the cap may cost no more than a hundred, fewer coins are bought."""
    await ground.staffed(order_usdt=100)
    await ground.allows(trade_usdt=100, position_usdt=1000)
    await ground.execute(TRADE, False)
    await ground.buys("LIMITEDUSDT")
    [kept] = await ground.rows("SELECT * FROM positions WHERE symbol = 'LIMITEDUSDT'")

    assert Decimal(95) < kept["cost_usdt"] < Decimal("95.4")


async def test_a_paper_order_is_filled_and_sold_with_the_least_weight_that_can_be_set(ground: Ground) -> None:
    """Its questions about the book and the symbol have to fit into what a live order would use."""
    least = {
        name: field.metadata[0].ge
        for name in ("weight_per_10_seconds", "requests_per_second", "key_weight_per_10_seconds")
        for field in (ExecutorSettings.model_fields[name],)
    }
    await ground.staffed(**least)
    await ground.allows(trade_usdt=100, position_usdt=1000)
    await ground.execute(TRADE, False)
    await ground.buys("LEASTUSDT")
    await ground.execute(CLOSE, "LEASTUSDT")

    position = await ground.sold("LEASTUSDT")
    assert position["mode"] == Mode.DRY_RUN
