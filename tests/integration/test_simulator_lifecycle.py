"""The life of a symbol on the simulator, as REST shows it."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.running.simulators import Simulator, plain_http, simulator_in_this_process
from tests.support.running.traders import Trader, code, info_of
from tests.waiting import eventually


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        yield running


async def test_listed_symbol_is_visible_before_it_trades_and_tradable_after(
    simulator: Simulator, trader: Trader
) -> None:
    listed = await simulator.list_coin("NEWUSDT", opens_in=60)
    row = await info_of(trader, "NEWUSDT")
    depth = await trader.get("/api/v3/depth", symbol="NEWUSDT")
    calendar = await trader.get("/api/operation/new_coin_calendar")

    assert row is not None
    assert row["firstOpenTime"] == listed["first_open_time_ms"] > time.time_ns() // 1_000_000
    assert "NEWUSDT" not in (await trader.get("/api/v3/defaultSymbols"))["data"]
    assert (depth["bids"], len(depth["asks"])) == ([], 100)
    assert calendar["data"]["newCoins"][-1]["vcoinName"] == "NEW"
    assert code(await trader.buy("NEWUSDT")) == (400, 30001)

    await simulator.change_coin("NEWUSDT", opens_in=0)

    assert "NEWUSDT" in (await trader.get("/api/v3/defaultSymbols"))["data"]
    assert (await trader.buy("NEWUSDT")).status_code == 200


async def test_symbol_opens_by_itself_at_its_time(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("SOONUSDT", opens_in=0.2)
    first = await trader.buy("SOONUSDT")

    async def bought() -> bool:
        return (await trader.buy("SOONUSDT")).status_code == 200

    assert code(first) == (400, 30001)
    assert await eventually(bought)


async def test_announced_symbol_is_in_the_calendar_only(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("HUSHUSDT", listed_in=60, opens_in=120)

    assert await info_of(trader, "HUSHUSDT") is None
    assert (await trader.get("/api/operation/new_coin_calendar"))["data"]["newCoins"][-1]["vcoinName"] == "HUSH"


async def test_late_opening_is_later_than_advertised(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("LATEUSDT", opens_in=0, opens_late_by=60)

    assert code(await trader.buy("LATEUSDT")) == (400, 30001)


async def test_suspended_and_delisted_symbols_are_offline(simulator: Simulator, trader: Trader) -> None:
    await simulator.change_coin("BTCUSDT", status="suspended")
    await simulator.delist_coin("ETHUSDT")
    paused = await info_of(trader, "BTCUSDT")

    assert paused is not None
    assert paused["status"] == "2"
    assert await info_of(trader, "ETHUSDT") is None
    assert code(await trader.buy("BTCUSDT")) == (400, 30000)
    assert code(await trader.buy("ETHUSDT")) == (400, -1121)
    states = {each["symbol"]: each["state"] for each in (await trader.get("/api/v3/symbol/offline"))["data"]}
    assert states == {"BTCUSDT": 2, "ETHUSDT": 3}


async def test_symbol_closed_to_the_api_says_so_and_refuses(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("WEBUSDT", api=False)
    row = await info_of(trader, "WEBUSDT")

    assert row is not None
    assert row["isSpotTradingAllowed"] is False
    assert code(await trader.buy("WEBUSDT")) == (400, 10007)


async def test_guarded_opening_cancels_market_orders_and_caps_prices(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("CAPUSDT", price="0.05", guard_seconds=60, guard_cap="0.055")

    acknowledged = await trader.buy("CAPUSDT")
    order = await trader.look_up("CAPUSDT", orderId=acknowledged.json()["orderId"])
    limit = {"type": "IMMEDIATE_OR_CANCEL", "quantity": "100"}
    refused = await trader.buy("CAPUSDT", price="0.056", **limit)
    accepted = await trader.buy("CAPUSDT", price="0.055", **limit)

    assert acknowledged.status_code == 200
    assert (order.json()["status"], order.json()["executedQty"]) == ("CANCELED", "0")
    assert refused.json()["msg"] == "Order price cannot exceed 0.055USDT"
    assert accepted.status_code == 200


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"opens_in": 0}, "symbol"),
        ({"symbol": "abcusdt"}, "symbol"),
        ({"symbol": "ABCUSDT", "opens_in": -1}, "opens_in"),
        ({"symbol": "ABCUSDT", "price": "free"}, "price"),
        ({"symbol": "ABCUSDT", "colour": "red"}, "colour"),
    ],
)
async def test_bad_listing_is_refused_naming_the_field(trader: Trader, body: dict[str, Any], field: str) -> None:
    response = await trader.http.post("/_sim/symbols", json=body)

    assert (response.status_code, response.json()["detail"][0]["field"]) == (422, field)


async def test_listing_twice_is_a_conflict_and_changing_the_unlisted_is_not_found(trader: Trader) -> None:
    statuses = [
        (await trader.http.post("/_sim/symbols", json={"symbol": "BTCUSDT"})).status_code,
        (await trader.http.patch("/_sim/symbols/NOPEUSDT", json={"api": True})).status_code,
        (await trader.http.delete("/_sim/symbols/NOPEUSDT")).status_code,
    ]

    assert statuses == [409, 404, 404]


async def test_coins_are_listed_by_themselves_when_asked() -> None:
    async with (
        simulator_in_this_process(list_every_seconds=0.02, list_after_seconds=0) as simulator,
        plain_http(base_url=simulator.rest_url) as http,
    ):

        async def three_more() -> bool:
            return len((await http.get("/api/v3/exchangeInfo")).json()["symbols"]) >= 63

        assert await eventually(three_more)
