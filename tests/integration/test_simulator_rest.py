"""The simulator over HTTP: MEXC's shapes and its refusals."""

import time
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.support.running.simulators import Simulator, plain_http, simulator_in_this_process
from tests.support.running.traders import Trader, code, trading


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with simulator_in_this_process() as running:
        yield running


async def test_public_endpoints_have_mexc_shapes(trader: Trader) -> None:
    before_ms = time.time_ns() // 1_000_000

    assert await trader.get("/api/v3/ping") == {}
    assert (await trader.get("/api/v3/time"))["serverTime"] >= before_ms
    assert "BTCUSDT" in (await trader.get("/api/v3/defaultSymbols"))["data"]
    assert len((await trader.get("/api/v3/exchangeInfo"))["symbols"]) == 60
    assert [each["symbol"] for each in (await trader.get("/api/v3/exchangeInfo", symbols="BTCUSDT,ETHUSDT"))["symbols"]]
    assert (await trader.get("/api/v3/ticker/price", symbol="BTCUSDT")).keys() == {"symbol", "price"}
    assert len(await trader.get("/api/v3/ticker/price")) == 60
    assert (await trader.get("/api/v3/ticker/bookTicker", symbol="BTCUSDT"))["bidQty"]
    assert (await trader.get("/api/v3/ticker/24hr", symbol="BTCUSDT"))["count"] is None
    assert len(await trader.get("/api/v3/trades", symbol="BTCUSDT", limit=3)) == 3
    assert len((await trader.get("/api/v3/depth", symbol="BTCUSDT", limit=7))["bids"]) == 7


async def test_unknown_symbol_is_refused_everywhere(trader: Trader) -> None:
    for path in ("exchangeInfo", "depth", "trades", "ticker/price", "ticker/bookTicker", "ticker/24hr"):
        response = await trader.http.get(f"/api/v3/{path}", params={"symbol": "NOPEUSDT"})
        assert code(response) == (400, -1121), path


async def test_acknowledgement_carries_no_fills_and_the_order_does(trader: Trader) -> None:
    acknowledged = (await trader.buy(newClientOrderId="mine-1")).json()
    order = (await trader.look_up("BTCUSDT", origClientOrderId="mine-1")).json()
    fills = (await trader.signed("GET", "/api/v3/myTrades", symbol="BTCUSDT")).json()

    assert acknowledged.keys() == {
        "symbol",
        "orderId",
        "orderListId",
        "price",
        "origQty",
        "type",
        "side",
        "stpMode",
        "transactTime",
    }
    assert (order["status"], order["orderId"]) == ("FILLED", acknowledged["orderId"])
    assert sum(Decimal(each["qty"]) for each in fills) == Decimal(order["executedQty"])
    assert {each["commissionAsset"] for each in fills} == {"USDT"}


async def test_test_order_is_validated_and_not_placed(simulator: Simulator, trader: Trader) -> None:
    params = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}

    accepted = await trader.signed("POST", "/api/v3/order/test", **params, quoteOrderQty="20")
    refused = await trader.signed("POST", "/api/v3/order/test", **params, quoteOrderQty="0.2")

    assert (accepted.status_code, accepted.json()) == (200, {})
    assert code(refused) == (400, 30002)
    assert [(each["test"], each["accepted"]) for each in await simulator.orders()] == [(True, False)] * 2


async def test_time_in_force_is_ignored_as_mexc_ignores_it(trader: Trader) -> None:
    bid = (await trader.get("/api/v3/depth", symbol="ETHUSDT", limit=1))["bids"][0][0]

    placed = await trader.buy("ETHUSDT", type="LIMIT", quantity="0.1", price=bid, timeInForce="IOC")
    order = await trader.look_up("ETHUSDT", orderId=placed.json()["orderId"])

    assert order.json()["status"] == "NEW"


async def test_order_can_be_cancelled_once(trader: Trader) -> None:
    placed = (await trader.buy("ETHUSDT", type="LIMIT", quantity="0.1", price="2500", newClientOrderId="once")).json()
    ids = {"symbol": "ETHUSDT", "origClientOrderId": "once"}

    first = await trader.signed("DELETE", "/api/v3/order", **ids)
    second = await trader.signed("DELETE", "/api/v3/order", **ids)

    assert (first.json()["orderId"], first.json()["status"]) == (placed["orderId"], "CANCELED")
    assert code(second) == (400, -2011)


async def test_account_requests_are_refused_without_a_good_key_and_signature(trader: Trader) -> None:
    keyless = await trader.http.get("/api/v3/account")
    stranger = await trader.http.get("/api/v3/account", headers={"X-MEXC-APIKEY": "nobody"})
    unsigned = await trader.http.get("/api/v3/account?timestamp=1", headers={"X-MEXC-APIKEY": "sim-key"})
    unidentified = await trader.look_up("BTCUSDT")

    assert [code(each)[1] for each in (keyless, stranger, unsigned, unidentified)] == [400, 10072, 700002, 700004]


async def test_content_type_mexc_does_not_read_is_refused(trader: Trader) -> None:
    headers = {"X-MEXC-APIKEY": "sim-key", "content-type": "text/plain"}

    assert code(await trader.http.post("/api/v3/order", headers=headers)) == (400, 700013)


async def test_ledger_holds_every_order_request_with_its_answer(simulator: Simulator, trader: Trader) -> None:
    before_ns = time.time_ns()
    await trader.buy(newClientOrderId="good")
    await trader.buy(newClientOrderId="bad", quoteOrderQty="0.1")

    good, bad = await simulator.orders()

    assert (good["client_order_id"], good["accepted"], good["order_status"], good["status"]) == (
        "good",
        True,
        "FILLED",
        200,
    )
    assert good["fills"]
    assert before_ns < good["received_at_ns"] < bad["received_at_ns"] < time.time_ns()
    assert (bad["accepted"], bad["status"], bad["fills"]) == (False, 400, [])
    assert "30002" in bad["answer"]


async def test_requests_are_counted_by_endpoint(simulator: Simulator, trader: Trader) -> None:
    for _ in range(3):
        await trader.get("/api/v3/time")

    assert (await simulator.requests())["GET /api/v3/time"] == 3


async def test_orders_and_cancels_share_one_limit() -> None:
    async with (
        simulator_in_this_process(limits=True, orders_per_second=2) as simulator,
        trading(simulator) as trader,
    ):
        bought = await trader.buy()
        cancelled = await trader.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId="x")
        limited = await trader.buy(newClientOrderId="one-too-many")
        query = await trader.look_up("BTCUSDT", origClientOrderId="one-too-many")

    assert bought.status_code == 200
    assert code(cancelled) == (400, -2011)
    assert code(limited) == (429, 429)
    assert code(query) == (400, -2013)


async def test_requests_beyond_the_limits_are_refused_with_retry_after() -> None:
    async with (
        simulator_in_this_process(limits=True, ban_after_refusals=2) as simulator,
        plain_http(base_url=simulator.rest_url) as http,
    ):
        answers = [await http.get("/api/v3/exchangeInfo") for _ in range(14)]

    assert [each.status_code for each in answers] == [200] * 12 + [429, 418]
    assert answers[12].json() == {"code": 429, "msg": "Too Many Requests", "_extend": None}
    assert 0 < int(answers[12].headers["retry-after"]) <= 10
    assert int(answers[13].headers["retry-after"]) == 120
