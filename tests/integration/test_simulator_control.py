"""The simulator's own endpoints: scripted books and prices, and the evidence of what was spent."""

import time
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.support.running.traders import Trader


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process(taker_fee="0.01") as running:
        yield running


async def test_scripted_book_is_shown_and_traded_as_it_is(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("NEWUSDT", price="1", swing=0, asks=[("1.02", "10"), ("1.01", "5")], bids=[("0.99", "3")])
    book = await trader.get("/api/v3/depth", symbol="NEWUSDT")
    limit: dict[str, Any] = {"type": "IMMEDIATE_OR_CANCEL", "quoteOrderQty": None, "quantity": "20", "price": "1.05"}

    placed = (await trader.buy("NEWUSDT", **limit)).json()
    order = (await trader.look_up("NEWUSDT", orderId=placed["orderId"])).json()

    assert (book["asks"], book["bids"]) == ([["1.01", "5"], ["1.02", "10"]], [["0.99", "3"]])
    assert (order["status"], order["executedQty"]) == ("PARTIALLY_CANCELED", "15")
    assert order["cummulativeQuoteQty"] == "15.25"
    assert (await trader.get("/api/v3/depth", symbol="NEWUSDT"))["asks"] == []


async def test_book_can_be_scripted_anew_emptied_and_given_back(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("NEWUSDT", price="1", asks=[("1.01", "5")])
    await trader.buy("NEWUSDT", quoteOrderQty="5.05")

    async def asks() -> int:
        return len((await trader.get("/api/v3/depth", symbol="NEWUSDT"))["asks"])

    sizes = [await asks()]
    for changed in ([("1.01", "5")], [], None):
        await simulator.change_coin("NEWUSDT", asks=changed)
        sizes.append(await asks())

    assert sizes == [0, 1, 0, 100]


async def test_price_without_a_swing_stands_still_until_it_is_set(simulator: Simulator, trader: Trader) -> None:
    await simulator.list_coin("NEWUSDT", price="1.5", swing=0)

    before = (await trader.get("/api/v3/ticker/price", symbol="NEWUSDT"))["price"]
    await simulator.change_coin("NEWUSDT", price="2.25")

    assert before == "1.5"
    assert (await trader.get("/api/v3/ticker/price", symbol="NEWUSDT"))["price"] == "2.25"


async def test_spending_tells_the_exposure_after_each_fill_and_client_ids_sent_twice(
    simulator: Simulator, trader: Trader
) -> None:
    for coin in ("AUSDT", "BUSDT"):
        await simulator.list_coin(coin, price="10", swing=0, asks=[("10", "50")], bids=[("9", "50")])
    before_ns = time.time_ns()
    await trader.buy("AUSDT", quoteOrderQty="100", newClientOrderId="a")
    await trader.buy("BUSDT", quoteOrderQty="50", newClientOrderId="b")
    await trader.buy("AUSDT", side="SELL", quoteOrderQty=None, quantity="10", newClientOrderId="c")
    await trader.buy("BUSDT", quoteOrderQty="0.5", newClientOrderId="b")

    spending = await simulator.spending()

    assert [(each["side"], each["client_order_id"], each["exposure"]) for each in spending["fills"]] == [
        ("BUY", "a", "101"),
        ("BUY", "b", "151.5"),
        ("SELL", "c", "50.5"),
    ]
    assert [(each["quote_value"], each["fee_quote"]) for each in spending["fills"]] == [
        ("100", "1"),
        ("50", "0.5"),
        ("90", "0.9"),
    ]
    assert before_ns < spending["fills"][0]["received_at_ns"] < time.time_ns()
    assert {name: Decimal(spending[name]) for name in ("spent", "exposure", "exposure_max")} == {
        "spent": Decimal("151.5"),
        "exposure": Decimal("50.5"),
        "exposure_max": Decimal("151.5"),
    }
    assert spending["repeated"] == [{"symbol": "BUSDT", "client_order_id": "b", "received": 2}]


async def test_nothing_spent_is_nought(simulator: Simulator) -> None:
    assert await simulator.spending() == {
        "fills": [],
        "exposure": "0",
        "exposure_max": "0",
        "spent": "0",
        "repeated": [],
    }


async def test_opening_is_told_to_the_millisecond_and_holds_to_it(simulator: Simulator, trader: Trader) -> None:
    listed = await simulator.list_coin("SOONUSDT", opens_in=0.25)
    answers = [await trader.buy("SOONUSDT")]
    while answers[-1].status_code != 200:
        answers.append(await trader.buy("SOONUSDT"))

    *early, taken = [each["received_exchange_ns"] for each in await simulator.orders("SOONUSDT")]
    opens_at_ms = listed["opens_at_ms"]

    assert (await simulator.coin("SOONUSDT"))["opens_at_ms"] == opens_at_ms
    assert early
    assert max(early) < opens_at_ms * 1_000_000
    # It is handled a moment after it was received, which is what decides.
    assert answers[-1].json()["transactTime"] >= max(opens_at_ms, taken // 1_000_000)
