"""Coins whose names are not ASCII, and the weight that each caller spends."""

import hashlib
import hmac
import time
from typing import Any
from urllib.parse import quote

import pytest

from tests.support.running.simulators import Simulator, simulator_in_this_process
from tests.support.running.traders import Trader, code, info_of, trading

NAMES = ("龙虾USDT", "ЩИТUSDT", "カエルUSDT", "김치USDC", "ÉTÉUSDT", "Ω3USDT", "A_1USDT", "مالUSDT")


async def signed_as_it_is(trader: Trader, symbol: str) -> Any:
    """Ask for the open orders of *symbol*, whose characters are sent and signed as they are given."""
    query = f"symbol={symbol}&timestamp={time.time_ns() // 1_000_000}"
    signature = hmac.new(Simulator.api_secret.encode(), query.encode(), hashlib.sha256).hexdigest()
    url = f"{trader.simulator.rest_url}/api/v3/openOrders?{query}&signature={signature}"
    return await trader.http.get(url, headers={"X-MEXC-APIKEY": Simulator.api_key})


@pytest.mark.parametrize("symbol", NAMES)
async def test_a_coin_of_any_script_is_listed_shown_bought_and_looked_up(symbol: str) -> None:
    async with simulator_in_this_process() as simulator, trading(simulator) as trader:
        await simulator.fund(USDT="100", USDC="100")
        listed = await simulator.list_coin(symbol, price="1", swing=0)
        bought = await trader.buy(symbol, newClientOrderId="x")
        found = await trader.look_up(symbol, origClientOrderId="x")

        assert listed["symbol"] == (await simulator.coin(symbol))["symbol"] == symbol
        assert bought.is_success, bought.text
        assert found.json()["symbol"] == symbol
        assert await info_of(trader, symbol)
        assert (await trader.get("/api/v3/depth", symbol=symbol))["asks"]
        assert [each["symbol"] for each in await simulator.orders(symbol)] == [symbol]


@pytest.mark.parametrize(
    "sent", [quote("币安人生USDT").lower().replace("usdt", "USDT"), quote("币安人生USDT", encoding="gb18030")]
)
async def test_a_name_that_is_encoded_otherwise_is_a_bad_signature(sent: str) -> None:
    async with simulator_in_this_process() as simulator, trading(simulator) as trader:
        right = await signed_as_it_is(trader, quote("币安人生USDT"))
        wrong = await signed_as_it_is(trader, sent)

    assert right.status_code == 200
    assert code(wrong) == (400, 700002)


async def test_a_name_signed_unencoded_and_sent_encoded_is_a_bad_signature() -> None:
    async with simulator_in_this_process() as simulator, trading(simulator) as trader:
        assert code(await signed_as_it_is(trader, "币安人生USDT")) == (400, 700002)


async def test_what_each_caller_spent_is_shown_request_by_request_and_by_window() -> None:
    limited: dict[str, Any] = {"limits": True, "weight_per_10_seconds": 30}
    async with simulator_in_this_process(**limited) as simulator, trading(simulator) as trader:
        await trader.signed("GET", "/api/v3/account")
        for _ in range(2):
            await trader.http.get("/api/v3/exchangeInfo")

        traffic = await simulator.traffic()
        windows = await simulator.weights(3600)

    assert [(each["caller"], each["endpoint"], each["weight"], each["refused_with"]) for each in traffic] == [
        ("sim-key", "GET /api/v3/account", 10, None),
        ("127.0.0.1", "GET /api/v3/exchangeInfo", 25, None),
        ("127.0.0.1", "GET /api/v3/exchangeInfo", 25, 429),
    ]
    assert {(each["caller"], each["weight"]) for each in windows} == {("sim-key", 10), ("127.0.0.1", 25)}
