"""A client of the simulator that trades: it signs as MEXC wants it, and nothing more."""

import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.support.running.simulators import Simulator, plain_http


class Trader:
    def __init__(self, simulator: Simulator, http: httpx.AsyncClient) -> None:
        self.simulator = simulator
        self.http = http

    async def get(self, path: str, **params: Any) -> Any:
        response = await self.http.get(path, params=params)
        response.raise_for_status()
        return response.json()

    async def signed(self, method: str, path: str, **params: Any) -> httpx.Response:
        query = urlencode({**params, "timestamp": time.time_ns() // 1_000_000})
        signature = hmac.new(self.simulator.api_secret.encode(), query.encode(), hashlib.sha256).hexdigest()
        headers = {"X-MEXC-APIKEY": self.simulator.api_key}
        return await self.http.request(method, f"{path}?{query}&signature={signature}", headers=headers)

    async def buy(self, symbol: str = "BTCUSDT", **params: Any) -> httpx.Response:
        """What is None is left out."""
        order = {"symbol": symbol, "side": "BUY", "type": "MARKET", "quoteOrderQty": "20"} | params
        return await self.signed("POST", "/api/v3/order", **{k: v for k, v in order.items() if v is not None})

    async def look_up(self, symbol: str, **ids: Any) -> httpx.Response:
        return await self.signed("GET", "/api/v3/order", symbol=symbol, **ids)


@asynccontextmanager
async def trading(simulator: Simulator) -> AsyncIterator[Trader]:
    async with plain_http(base_url=simulator.rest_url, timeout=5) as http:
        yield Trader(simulator, http)


def code(response: httpx.Response) -> tuple[int, int]:
    return response.status_code, response.json()["code"]


async def info_of(trader: Trader, symbol: str) -> dict[str, Any] | None:
    symbols = (await trader.get("/api/v3/exchangeInfo"))["symbols"]
    return next((each for each in symbols if each["symbol"] == symbol), None)
