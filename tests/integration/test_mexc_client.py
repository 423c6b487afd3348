"""The client and the simulator, written apart from each other, agree."""

import signal
import time
from collections.abc import AsyncIterator
from decimal import Decimal

import msgspec
import pytest

from shared.events import Side
from shared.mexc.errors import ExchangeRejected, OutcomeUnknown
from shared.mexc.http.connection import Endpoint
from shared.mexc.market_data import MexcMarketData, connect_market_data
from shared.mexc.orders.order_api import MexcTrading, OrderRequest
from shared.mexc.orders.order_connection import LineLimits, OrderLine
from tests.support.running.simulators import SimulatorProcess, running_simulator


@pytest.fixture
async def simulator() -> AsyncIterator[SimulatorProcess]:
    async with running_simulator() as process:
        yield process


@pytest.fixture
async def rest(simulator: SimulatorProcess) -> AsyncIterator[MexcMarketData]:
    async with connect_market_data(simulator.rest_url) as client:
        yield client


def buy(symbol: str) -> OrderRequest:
    return OrderRequest(
        symbol=symbol, side=Side.BUY, type="MARKET", client_order_id="a-1", quote_order_qty=Decimal("10.00")
    )


async def test_listed_coin_shows_in_every_view_of_the_market(simulator: SimulatorProcess, rest: MexcMarketData) -> None:
    before = await rest.exchange_info()
    await simulator.list_coin("NEWUSDT")

    [info] = set(await rest.exchange_info()) - set(before)
    assert (info.symbol, info.base_asset, info.quote_asset, info.is_online) == ("NEWUSDT", "NEW", "USDT", True)
    assert info.first_open_time is not None
    assert "NEWUSDT" in await rest.default_symbols()
    book = await rest.depth("NEWUSDT")
    [ticker] = [each for each in await rest.book_tickers() if each.symbol == "NEWUSDT"]
    assert book.asks[0].price == ticker.ask_price
    assert abs(await rest.server_time() - time.time() * 1000) < 5000
    await rest.ping()


async def test_unknown_symbol_is_refused_with_its_code(rest: MexcMarketData) -> None:
    with pytest.raises(ExchangeRejected) as rejected:
        await rest.depth("NOSUCHUSDT")

    assert rejected.value.code == -1121


async def test_signed_order_passes_the_exchanges_checks(simulator: SimulatorProcess, rest: MexcMarketData) -> None:
    await simulator.list_coin("NEWUSDT")
    async with OrderLine(Endpoint.of(simulator.rest_url)) as line:
        trading = MexcTrading(line, api_key=simulator.api_key, api_secret=simulator.api_secret)
        answer = await trading.test_order(buy("NEWUSDT"), now_ms=await rest.server_time())

    assert (answer.status, answer.body) == (200, b"{}")


async def test_order_signed_with_another_secret_is_refused(simulator: SimulatorProcess, rest: MexcMarketData) -> None:
    await simulator.list_coin("NEWUSDT")
    async with OrderLine(Endpoint.of(simulator.rest_url)) as line:
        trading = MexcTrading(line, api_key=simulator.api_key, api_secret="another")
        answer = await trading.test_order(buy("NEWUSDT"), now_ms=await rest.server_time())

    assert answer.status == 400
    assert msgspec.json.decode(answer.body)["code"] == 700002


@pytest.mark.parametrize("status", [307, 308])
async def test_redirected_order_is_not_sent_again(
    simulator: SimulatorProcess, rest: MexcMarketData, status: int
) -> None:
    await simulator.arm("redirect", status=status, count=None)
    async with OrderLine(Endpoint.of(simulator.rest_url)) as line:
        trading = MexcTrading(line, api_key=simulator.api_key, api_secret=simulator.api_secret)
        answer = await trading.place_order(buy("BTCUSDT"), now_ms=await rest.server_time())

    assert answer.status == status
    assert [each["client_order_id"] for each in await simulator.orders()] == ["a-1"]


@pytest.mark.parametrize(("ahead_ms", "accepted"), [(-500, True), (-4000, False), (500, True), (3000, False)])
async def test_order_signed_for_another_time_is_taken_within_its_window(
    simulator: SimulatorProcess, rest: MexcMarketData, ahead_ms: int, accepted: bool
) -> None:
    async with OrderLine(Endpoint.of(simulator.rest_url)) as line:
        await line.ready()
        trading = MexcTrading(line, api_key=simulator.api_key, api_secret=simulator.api_secret)
        signed = trading.sign(buy("BTCUSDT"), now_ms=await rest.server_time() + ahead_ms)
        answer = await trading.send(signed)

    refusal = None if accepted else 700003
    assert msgspec.json.decode(answer.body).get("code") == refusal
    assert [each["accepted"] for each in await simulator.orders()] == [accepted]


async def test_frozen_exchange_leaves_the_outcome_unknown(simulator: SimulatorProcess) -> None:
    async with OrderLine(Endpoint.of(simulator.rest_url), LineLimits(answer_seconds=0.3)) as line:
        await line.ready()
        trading = MexcTrading(line, api_key=simulator.api_key, api_secret=simulator.api_secret)
        simulator.process.send_signal(signal.SIGSTOP)
        try:
            with pytest.raises(OutcomeUnknown):
                await trading.test_order(buy("BTCUSDT"), now_ms=time.time_ns() // 1_000_000)
        finally:
            simulator.process.send_signal(signal.SIGCONT)
