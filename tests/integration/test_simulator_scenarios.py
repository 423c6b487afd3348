"""Coins with a scenario: REST, websocket and matching follow its course, and all say the same."""

import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import websockets

from shared.mexc import wire_pb2
from simulator.symbols.scenario_order import FIRST_ROUND
from simulator.symbols.scenarios import BOUNDS, Scenario
from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.support.running.traders import Trader, code, info_of
from tests.waiting import eventually

TICKERS = "spot@public.miniTickers.v3.api.pb@UTC+8"
FAST = 20
"""A scenario's minute in three seconds."""


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process(scenario_speed=FAST) as running:
        yield running


async def tickers(simulator: Simulator, symbol: str, until: Any) -> list[Decimal]:
    """The prices of *symbol* that the websocket pushes, up to the first that *until* is true of."""
    prices: list[Decimal] = []
    async with websockets.connect(simulator.ws_url) as socket:
        await socket.send(f'{{"method":"SUBSCRIPTION","params":["{TICKERS}"]}}')
        while not (prices and until(prices)):
            frame = await socket.recv()
            if isinstance(frame, bytes):
                items = wire_pb2.PushDataV3ApiWrapper.FromString(frame).publicMiniTickers.items
                prices += [Decimal(item.price) for item in items if item.symbol == symbol]
    return prices


@pytest.mark.parametrize("scenario", Scenario)
async def test_every_scenario_can_be_listed_by_its_name(simulator: Simulator, scenario: Scenario) -> None:
    listed = await simulator.list_coin("NEWUSDT", scenario=scenario, price="2")

    assert listed["scenario"] == scenario
    assert Decimal(listed["last_price"]) == 2


async def test_an_unknown_scenario_is_refused_naming_the_known_ones(trader: Trader) -> None:
    response = await trader.http.post("/_sim/symbols", json={"symbol": "NEWUSDT", "scenario": "to_the_moon"})
    [problem] = response.json()["detail"]

    assert (response.status_code, problem["field"]) == (422, "scenario")
    assert problem["message"] == f"Value error, unknown; there are {', '.join(Scenario)}"
    assert await info_of(trader, "NEWUSDT") is None


async def test_a_swing_beside_a_scenario_is_refused(trader: Trader) -> None:
    body = {"symbol": "NEWUSDT", "scenario": "slow_grind", "swing": 0.1}
    response = await trader.http.post("/_sim/symbols", json=body)

    assert (response.status_code, response.json()["detail"][0]["field"]) == (422, "swing")


async def test_a_spike_rises_and_fades_within_its_bounds(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("UPUSDT", scenario="spike_and_fade", price="2")
    bought = await trader.buy("UPUSDT")
    prices = await tickers(simulator, "UPUSDT", lambda seen: seen[-1] < max(seen) * Decimal("0.8"))

    lowest, highest = BOUNDS[Scenario.SPIKE_AND_FADE]
    assert bought.status_code == 200
    assert max(prices) > Decimal("2.5")
    assert all(2 * lowest <= float(price) <= 2 * highest for price in prices)


async def test_a_crash_pays_a_seller_what_the_ticker_shows(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("DOWNUSDT", scenario="crash_at_once", price="2")
    await trader.buy("DOWNUSDT")
    await tickers(simulator, "DOWNUSDT", lambda seen: seen[-1] < Decimal("1.3"))

    sold = await trader.signed("POST", "/api/v3/order", symbol="DOWNUSDT", side="SELL", type="MARKET", quantity="5")
    answered = await trader.look_up("DOWNUSDT", orderId=sold.json()["orderId"])
    average = Decimal(answered.json()["cummulativeQuoteQty"]) / Decimal(answered.json()["executedQty"])

    assert answered.json()["status"] == "FILLED"
    assert 2 * Decimal("0.38") < average < Decimal("1.31")


async def test_depth_book_ticker_and_last_trade_tell_one_price(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("CALMUSDT", scenario="nothing_happens", price="2")

    book = await trader.get("/api/v3/depth", symbol="CALMUSDT", limit=1)
    best = await trader.get("/api/v3/ticker/bookTicker", symbol="CALMUSDT")
    last = await trader.get("/api/v3/ticker/price", symbol="CALMUSDT")
    told = await simulator.prices("CALMUSDT", "NOPEUSDT")

    prices = [Decimal(each) for each in (book["asks"][0][0], best["askPrice"], last["price"], told["CALMUSDT"])]
    assert max(prices) - min(prices) < Decimal("0.04")
    assert list(told) == ["CALMUSDT"]


async def test_a_thin_book_offers_little_and_far_away(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("THINUSDT", scenario="thin_book", price="2")
    book = await trader.get("/api/v3/depth", symbol="THINUSDT")
    bid, ask = Decimal(book["bids"][0][0]), Decimal(book["asks"][0][0])

    assert ask / bid > Decimal("1.12")
    assert sum(Decimal(price) * Decimal(quantity) for price, quantity in book["asks"]) < 1_100


async def test_a_delayed_opening_is_announced_and_refuses_orders_until_it_is_open(
    simulator: Simulator, trader: Trader
) -> None:
    listed = await simulator.list_coin("LATERUSDT", scenario="delayed_opening")
    row = await info_of(trader, "LATERUSDT")
    first = await trader.buy("LATERUSDT")

    async def bought() -> bool:
        return (await trader.buy("LATERUSDT")).status_code == 200

    assert row is not None
    assert listed["listed_at_ms"] < row["firstOpenTime"] < listed["opens_at_ms"]
    assert code(first) == (400, 30001)
    assert await eventually(bought)
    assert time.time_ns() // 1_000_000 >= listed["opens_at_ms"]


async def test_an_opening_that_is_given_counts_more_than_that_of_the_scenario(simulator: Simulator) -> None:
    response = await simulator.list_coin("LATERUSDT", scenario="delayed_opening", opens_in=9, opens_late_by=0)

    assert response["opens_at_ms"] == response["first_open_time_ms"] == response["listed_at_ms"] + 9_000


async def test_a_halted_coin_is_paused_everywhere_and_trades_again(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("HALTUSDT", scenario="halted_after_a_minute", price="2")
    await trader.buy("HALTUSDT")

    async def status() -> str:
        row = await info_of(trader, "HALTUSDT")
        assert row is not None
        return str(row["status"])

    async def is_paused() -> bool:
        return await status() == "2"

    async def trades_again() -> bool:
        return await status() == "1"

    assert await status() == "1"
    assert await eventually(is_paused)
    refused = await trader.buy("HALTUSDT")
    offline = await trader.get("/api/v3/symbol/offline")
    assert code(refused) == (400, 30000)
    assert {"symbol": "HALTUSDT", "state": 2} in offline["data"]
    assert await eventually(trades_again)
    assert (await trader.buy("HALTUSDT")).status_code == 200


async def test_newcomers_get_the_scenarios_of_the_programme_in_turn(simulator: Simulator) -> None:
    listed = [await simulator.list_newcomer() for _ in FIRST_ROUND]

    assert [each["scenario"] for each in listed] == list(FIRST_ROUND)
    assert len({each["symbol"] for each in listed}) == len(FIRST_ROUND)
