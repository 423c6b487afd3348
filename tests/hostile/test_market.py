"""A market that lies: holes, crumbs, spreads, garbage, nothing, and coins that are gone."""

import time
from decimal import Decimal
from typing import Any, Final

import pytest

from executor.exits.suspension import QUICK_WAIT_SECONDS_MAX
from shared.events import HealthStatus
from tests.hostile.ground import Ground

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(60)]

WRITE_OFF: Final = """
INSERT INTO write_offs (listing_key, mode, requested_by, reason) VALUES ($1, 'live', 'a test', 'sold by hand')
"""
RULED: Final = """
UPDATE positions SET listing = jsonb_set(listing, '{rules}', (listing -> 'rules') || $2) WHERE symbol = $1
"""
HOLE: Final = [("0.001", "100000")]
ORDER: Final = "POST /api/v3/order"


async def test_a_hole_for_one_look_makes_no_dust_of_a_position_and_frees_nothing(ground: Ground) -> None:
    """M1."""
    await ground.staffed(stop_loss_pct=20)
    await ground.buys("DEEPUSDT")
    await ground.exchange.glimpse("DEEPUSDT", bids=HOLE)
    await ground.looked(times=5)
    position = await ground.position("DEEPUSDT", "open")
    await ground.announces(await ground.lists("NEXTUSDT"))
    refused = await ground.order("NEXTUSDT", "rejected")

    assert position["cost_usdt"] > 90
    assert refused["error_reason"].startswith("max_position")
    assert await ground.posted("DEEPUSDT", "SELL") == []


async def test_a_hole_for_one_look_after_the_holding_time_gives_nothing_up(ground: Ground) -> None:
    """M1: the sale that is due anyway does not go into the hole."""
    await ground.staffed(holding_seconds_max=2)
    await ground.buys("TIMEUSDT")
    await ground.exchange.glimpse("TIMEUSDT", bids=HOLE)
    sold = await ground.sold("TIMEUSDT")

    assert sold["received_usdt"] > 90


@pytest.mark.parametrize("settings", [{"stop_loss_pct": 20}, {"trailing_stop_pct": 30}], ids=["fixed", "trailing"])
async def test_a_hole_or_a_crumb_for_one_look_is_no_stop(ground: Ground, settings: dict[str, Any]) -> None:
    """M3."""
    symbol = "SHAKYUSDT" if "stop_loss_pct" in settings else "SHAKENUSDT"
    await ground.staffed(**settings)
    await ground.buys(symbol)
    crumb: dict[str, Any] = {"bids": [("5", "0.2"), ("0.99", "100000")], "asks": [("5.1", "100000")]}
    for book in ({"bids": [("0.05", "100000")]}, crumb):
        await ground.exchange.glimpse(symbol, **book)
        await ground.looked(times=4)
    await ground.position(symbol, "open")

    assert await ground.posted(symbol, "SELL") == []


@pytest.mark.parametrize("exits", [{"trailing_stop_pct": 30}, {"take_profit_pct": 50}], ids=["peak", "gain"])
async def test_a_large_bid_above_the_ask_raises_no_peak_and_is_no_gain(ground: Ground, exits: dict[str, Any]) -> None:
    """M3, M14: for all of the position, in one look and then in many."""
    symbol = "PEAKUSDT" if "trailing_stop_pct" in exits else "GAINUSDT"
    await ground.staffed(**exits)
    await ground.buys(symbol)
    for looks in (1, 8):
        await ground.exchange.glimpse(symbol, looks=looks, bids=[("5", "100000")], asks=[("1", "100000")])
        await ground.looked(times=looks + 3)
    held = await ground.position(symbol, "open")

    assert await ground.posted(symbol, "SELL") == []
    assert held["peak_price"] <= 1


async def test_a_crumb_above_the_trigger_takes_no_profit(ground: Ground) -> None:
    """M2."""
    await ground.staffed(take_profit_pct=50)
    await ground.buys("CRUMBUSDT")
    await ground.exchange.script("CRUMBUSDT", bids=[("2", "1"), ("0.5", "100000")], asks=[("2.1", "100000")])
    await ground.looked(times=8)
    await ground.position("CRUMBUSDT", "open")

    assert await ground.posted("CRUMBUSDT", "SELL") == []


async def test_what_a_take_profit_leaves_is_never_sold_below_its_trigger_less_slippage(ground: Ground) -> None:
    """M2: sixty coins at 2.00 make the whole worth the trigger, and the rest finds 0.90."""
    await ground.staffed(take_profit_pct=20)
    await ground.buys("RESTUSDT")
    await ground.exchange.script("RESTUSDT", bids=[("2", "60"), ("0.9", "100000")], asks=[("2.1", "100000")])
    await ground.sale_on_the_wire("RESTUSDT")
    await ground.looked(times=8)
    left = await ground.position("RESTUSDT", "open")
    fills = [fill for each in await ground.posted("RESTUSDT", "SELL") for fill in each["fills"]]

    assert left["base_qty"] > 30
    assert min(Decimal(each["price"]) for each in fills) >= Decimal("1.2") * Decimal("0.95")


@pytest.mark.parametrize("endpoint", [ORDER, f"{ORDER}, {ORDER}/test"], ids=["orders", "orders and their tests"])
async def test_a_sale_that_is_refused_while_the_coin_trades_is_told_and_made_once_it_is_taken(
    ground: Ground, endpoint: str
) -> None:
    """M11, M25, M27: by the exchange's risk control, for a while."""
    symbol = f"RISK{len(endpoint)}USDT"
    await ground.staffed(stop_loss_pct=20)
    await ground.buys(symbol)
    refusal = {"code": 30028, "message": "Sell orders are suspended", "side": "SELL"}
    await ground.exchange.arm("api_error", endpoint=endpoint, symbol=symbol, count=None, **refusal)
    await ground.falls(symbol)
    await ground.says("exits", HealthStatus.DEGRADED, f"{symbol}:1 live is to be sold, and the exchange takes no sale")
    await ground.looked(times=15)
    refused = await ground.posted(symbol, "SELL")
    await ground.exchange.disarm("api_error")
    taken_at_ns = time.time_ns()
    await ground.sold(symbol)
    *_, last = await ground.posted(symbol, "SELL")

    assert (last["received_at_ns"] - taken_at_ns) / 1e9 < 2
    tried_for = (taken_at_ns - refused[0]["received_at_ns"]) / 1e9
    assert len(refused) <= (4 + tried_for / QUICK_WAIT_SECONDS_MAX if endpoint == ORDER else 2)


async def test_a_wide_spread_at_the_purchase_is_no_stop(ground: Ground) -> None:
    """M4."""
    await ground.staffed(stop_loss_pct=10)
    await ground.buys("WIDEUSDT", bids=[("0.85", "100000")])
    await ground.looked(times=10)
    await ground.position("WIDEUSDT", "open")

    assert await ground.posted("WIDEUSDT", "SELL") == []


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "", "1e999", None, "5"])
async def test_garbage_of_one_coin_concerns_that_coin(ground: Ground, value: str | None) -> None:
    """M14: the last one crosses the book."""
    number = (await ground.exchange.requests()).get("POST /api/v3/order", 0)
    bad, good = f"BAD{number}USDT", f"GOOD{number}USDT"
    await ground.staffed(stop_loss_pct=20, order_usdt=45)
    await ground.buys(bad)
    await ground.buys(good)
    await ground.exchange.spoil(bad, value, looks=None)
    await ground.falls(good)
    await ground.sold(good)
    await ground.position(bad, "open")

    assert await ground.posted(bad, "SELL") == []


async def test_a_stop_that_is_due_and_has_no_bid_degrades_health_and_is_sold_at_the_first(ground: Ground) -> None:
    """M27."""
    await ground.staffed(stop_loss_pct=20)
    await ground.buys("NOBIDUSDT")
    await ground.exchange.change_coin("NOBIDUSDT", price="0.7", bids=[], asks=[("0.7", "100000")])
    await ground.says("exits", HealthStatus.DEGRADED, "NOBIDUSDT")
    await ground.falls("NOBIDUSDT")
    await ground.sold("NOBIDUSDT")


async def test_a_suspended_coin_is_tried_rarely_and_sold_when_it_trades_again(ground: Ground) -> None:
    """M25."""
    await ground.staffed(stop_loss_pct=20, suspended_check_seconds=1)
    await ground.buys("PAUSEUSDT")
    await ground.exchange.change_coin("PAUSEUSDT", status="suspended")
    await ground.falls("PAUSEUSDT")
    await ground.says("exits", HealthStatus.DEGRADED, "PAUSEUSDT")
    await ground.looked(times=20)
    tried = await ground.posted("PAUSEUSDT", "SELL")
    rows = await ground.rows("SELECT 1 FROM orders WHERE symbol = 'PAUSEUSDT' AND side = 'SELL'")
    await ground.exchange.change_coin("PAUSEUSDT", status="trading")
    await ground.sold("PAUSEUSDT")

    assert len(rows) == 1
    assert len(tried) <= 3


@pytest.mark.parametrize("left", ["0", "0.001"])
async def test_coins_sold_by_hand_are_external_count_as_exposure_and_are_freed_by_a_person(
    ground: Ground, left: str
) -> None:
    """M16: all of them, or all but a hair."""
    symbol = f"HAND{len(left)}USDT"
    await ground.staffed(stop_loss_pct=20, custody_check_seconds=0.2, missing_seconds=1)
    listing = await ground.buys(symbol)
    await ground.exchange.take_away(listing.base_asset, but=left)
    held = await ground.position(symbol, "external")
    await ground.says("exits", HealthStatus.DEGRADED, symbol)
    assert await ground.exposure() == (Decimal(0), held["cost_usdt"])

    await ground.execute(WRITE_OFF, listing.key)
    await ground.position(symbol, "written_off")

    assert await ground.exposure() == (Decimal(0), Decimal(0))


async def test_a_coin_whose_scale_became_finer_as_it_fell_is_sold(ground: Ground) -> None:
    """The rules of its purchase would round the floor of its sale above every bid."""
    await ground.allows(trade_usdt=50, position_usdt=100)
    await ground.staffed(stop_loss_pct=20)
    await ground.buys("FINERUSDT", price_decimals=1)
    await ground.exchange.change_coin("FINERUSDT", price_decimals=6)
    await ground.falls("FINERUSDT", "0.123")

    await ground.sold("FINERUSDT", within_seconds=5)


@pytest.mark.parametrize("most", ["0", "-1", "1E-9"])
async def test_a_greatest_amount_below_the_least_keeps_no_position_from_being_sold(ground: Ground, most: str) -> None:
    symbol = f"MOST{most.replace('-', '')}USDT"
    await ground.staffed(stop_loss_pct=20)
    await ground.buys(symbol)
    await ground.relieved()  # The rules of its listing hold from a start on.
    await ground.execute(RULED, symbol, {"quote_amount_max": most, "base_quantity_max": most})
    await ground.staffed(stop_loss_pct=20)
    await ground.falls(symbol)

    await ground.sold(symbol)


@pytest.mark.parametrize("lost", [0, 1])
async def test_a_coin_that_the_account_names_otherwise_is_sold(ground: Ground, lost: int) -> None:
    """What exchangeInfo called it is not its symbol, and shows in no balance: that proves nothing of a lost sale."""
    symbol = f"RENAMED{lost}USDT"
    await ground.staffed(stop_loss_pct=20, custody_check_seconds=0.2, missing_seconds=1)
    listing = await ground.lists(symbol)
    await ground.announces(listing.model_copy(update={"base_asset": "FORMER"}))
    await ground.position(symbol, "open")
    await ground.looked(times=20)
    if lost:
        await ground.exchange.arm("hang_before_accept", side="SELL", count=lost)
    await ground.falls(symbol)

    await ground.sold(symbol)


async def test_a_least_amount_that_does_not_hold_makes_no_dust_and_keeps_no_stop_from_selling(ground: Ground) -> None:
    """It was garbled once, or holds no more: before a position is not sold for it, the rules are read again."""
    await ground.staffed(stop_loss_pct=20)
    await ground.buys("GARBLEDUSDT")
    await ground.relieved()
    await ground.execute(RULED, "GARBLEDUSDT", {"quote_amount_min": "5000"})
    await ground.staffed(stop_loss_pct=20)
    await ground.looked()
    await ground.falls("GARBLEDUSDT")

    await ground.sold("GARBLEDUSDT", within_seconds=5)


async def test_what_such_an_amount_made_dust_of_is_watched_again(ground: Ground) -> None:
    await ground.staffed(stop_loss_pct=20)
    await ground.buys("DUSTEDUSDT")
    await ground.relieved()
    await ground.execute(RULED, "DUSTEDUSDT", {"quote_amount_min": "5000"})
    await ground.execute("UPDATE positions SET state = 'dust' WHERE symbol = 'DUSTEDUSDT'")
    await ground.staffed(stop_loss_pct=20, rare_check_seconds=0.5)
    await ground.position("DUSTEDUSDT", "open")
    await ground.falls("DUSTEDUSDT")

    await ground.sold("DUSTEDUSDT", within_seconds=5)


@pytest.mark.parametrize("body", ['{"balances":[]}', "<html>maintenance</html>", '{"balances":[{"asset":"EMPTY"', "[]"])
async def test_an_account_that_shows_nothing_keeps_no_stop_from_selling(ground: Ground, body: str) -> None:
    """The exchange knows what there is, and would refuse to sell what is not."""
    symbol = f"EMPTY{len(body)}USDT"
    await ground.staffed(stop_loss_pct=20)
    await ground.buys(symbol)
    await ground.exchange.arm("http_status", endpoint="GET /api/v3/account", status=200, body=body, count=None)
    await ground.falls(symbol)

    await ground.sale_on_the_wire(symbol, within_seconds=5)
    await ground.sold(symbol)


async def test_a_coin_that_is_delisted_is_unsellable_and_counts_as_exposure(fresh_ground: Ground) -> None:
    """M16."""
    ground = fresh_ground
    await ground.staffed(stop_loss_pct=20, delisted_seconds=1)
    await ground.buys("DELISTUSDT")
    await ground.exchange.delist_coin("DELISTUSDT")
    held = await ground.position("DELISTUSDT", "unsellable")
    await ground.says("exits", HealthStatus.DEGRADED, "DELISTUSDT")

    assert await ground.exposure() == (Decimal(0), held["cost_usdt"])
